import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified, isAbsent } from './errors.ts'
import { syncDirectory } from './syncing.ts'

/** What `ref.json` holds. */
export interface UploadRecord extends ObjectRef {
  /** ISO 8601. */
  readonly startedAt: string
}

/** Made out of sight and renamed, so that no upload is ever without its record. */
export async function createUpload(store: DirectoryContext, ref: ObjectRef): Promise<string> {
  store.layout.object(ref)
  const uploadId = randomUUID()
  const temporary = join(store.layout.tmp, uploadId)
  const record: UploadRecord = { ...ref, startedAt: new Date().toISOString() }
  return await classified(`Beginning an upload to ${ref.bucket}/${ref.key}`, async () => {
    await mkdir(temporary)
    await writeFile(join(temporary, 'ref.json'), JSON.stringify(record), { flush: true })
    await syncDirectory(temporary)
    await rename(temporary, join(store.layout.uploads, uploadId))
    return uploadId
  })
}

/** The directory of an upload to this object, or `store_upload_gone`. */
export async function findUpload(store: DirectoryContext, ref: ObjectRef, uploadId: string): Promise<string> {
  const directory = store.layout.upload(uploadId)
  const record = directory === undefined ? undefined : await recordOf(directory)
  if (directory !== undefined && record?.bucket === ref.bucket && record.key === ref.key) return directory
  throw gone(ref, uploadId)
}

/** `undefined` when the upload is gone. */
export async function recordOf(directory: string): Promise<UploadRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, 'ref.json'), 'utf8'))
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Takes an upload away in one step, whoever still writes to it. */
export async function removeUpload(store: DirectoryContext, directory: string): Promise<void> {
  const retired = join(store.layout.tmp, randomUUID())
  try {
    await rename(directory, retired)
  } catch (error) {
    if (isAbsent(error)) return
    throw error
  }
  await rm(retired, { recursive: true, force: true })
}

export function gone(ref: ObjectRef, uploadId: string): LadingError {
  return new LadingError(
    'store_upload_gone',
    `There is no upload ${uploadId} to ${ref.bucket}/${ref.key}: it was completed or aborted. Begin another.`,
  )
}
