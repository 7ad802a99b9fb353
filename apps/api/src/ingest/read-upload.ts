import { createHash } from 'node:crypto'
import type { Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { hasContent } from '../request-head.ts'
import type { Admission, UploadCall } from './admission.ts'
import { type BodySink, readBody } from './body-reader.ts'
import { checkSha256 } from './declared-digest.ts'

/** Reads the body of an upload to its end, and holds it to the digest that its head declares. */
export async function readUpload(
  { bodies, config }: Pick<ApiContext, 'bodies' | 'config'>,
  { request, response }: UploadCall,
  { bodySha256 }: Admission,
  sink: BodySink,
): Promise<void> {
  const hash = bodySha256 === undefined ? undefined : createHash('sha256')
  await readBody(request, response, bodies, config.limits.requestBytes, (chunk) => {
    hash?.update(chunk)
    return sink(chunk)
  })
  if (hash !== undefined) checkSha256(hash.digest('hex') as Sha256Hex, bodySha256, 'Content-Digest')
}

/** Fails with `empty_body`. */
export function checkHasContent({ request }: UploadCall, wanted: string): void {
  if (!hasContent(request)) throw new LadingError('empty_body', `the body is empty; send ${wanted}`)
}
