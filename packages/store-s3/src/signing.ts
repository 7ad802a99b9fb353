import type { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Sha256Hex } from '@lading/core'

/** Header by which Signature Version 4 learns the digest of the payload, or that it has none. */
const CONTENT_SHA256 = 'x-amz-content-sha256'

/**
 * Over https, TLS keeps the bytes whole, and a SHA-256 of each part would only cost time
 * (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, `UNSIGNED-PAYLOAD`). Over http the SDK hashes
 * and signs each body, unless `declareSha256` gave the digest.
 */
export function signPayloads(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as HttpRequest
      if (isUnsigned(request)) request.headers[CONTENT_SHA256] = 'UNSIGNED-PAYLOAD'
      return next(args)
    },
    { step: 'build', name: 'ladingPayloadSigning' },
  )
}

/**
 * Signs a body with the SHA-256 that was taken when its bytes were accepted: the store refuses other bytes
 * (`XAmzContentSHA256Mismatch`), and nothing is hashed twice.
 */
export function declareSha256(command: PutObjectCommand, sha256: Sha256Hex): PutObjectCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as HttpRequest
      request.headers[CONTENT_SHA256] = sha256
      return next(args)
    },
    { step: 'build', name: 'ladingDeclaredSha256' },
  )
  return command
}

export interface HttpRequest {
  readonly protocol: string
  readonly body?: unknown
  readonly headers: Record<string, string>
}

export function isUnsigned(request: HttpRequest): boolean {
  return (
    request.protocol === 'https:' &&
    request.body instanceof Uint8Array &&
    !(CONTENT_SHA256 in request.headers)
  )
}
