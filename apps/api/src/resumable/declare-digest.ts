import { LadingError } from '@lading/protocol'
import type { Request } from 'express'
import type { HeldUpload } from './hold.ts'
import { sha256InMetadata } from './metadata.ts'

/**
 * Notes the SHA-256 of the whole file where the request says it, and gives the upload with it: a client that hashes while it
 * sends says it with the last bytes. It is in the catalog before they are taken: should a kill come after the last of
 * them, whoever asks next makes the upload a file, and compares. Fails with `digest_mismatch` where another one was
 * declared, and `digest_invalid`.
 */
export async function declareDigest(request: Request, held: HeldUpload): Promise<HeldUpload> {
  const field = request.headers['upload-metadata']
  const sha256 = typeof field === 'string' ? sha256InMetadata(field) : undefined
  if (sha256 === undefined || sha256 === held.upload.sha256) return held
  if (held.upload.sha256 !== undefined) throw declaredBefore()
  await held.declare(sha256)
  return { ...held, upload: { ...held.upload, sha256 } }
}

function declaredBefore(): LadingError {
  return new LadingError(
    'digest_mismatch',
    'Upload-Metadata: sha256 was declared before, as another; give this upload up, and begin it anew',
  )
}
