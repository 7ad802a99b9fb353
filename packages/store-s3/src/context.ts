import type { S3Client } from '@aws-sdk/client-s3'
import type { ObjectRef } from '@lading/core'
import { attempt } from './attempts.ts'
import type { Clients } from './client.ts'
import type { S3Options } from './options.ts'
import type { KnownTraits } from './traits.ts'

/** What every operation of the store works with. */
export interface S3Context {
  readonly options: S3Options
  readonly clients: Clients
  readonly traits: KnownTraits
}

export interface Request {
  /** As S3 and its access policies name it. */
  readonly operation: string
  readonly on: ObjectRef | { readonly bucket: string }
  readonly signal: AbortSignal
  /** Bytes that the request carries. */
  readonly bytes?: number
  readonly repeatable?: boolean
}

export interface Sending {
  readonly abortSignal: AbortSignal
}

/** Below this rate a request counts as stalled, even though a byte moves now and then. */
const SLOWEST_BYTES_PER_MS = (64 * 1024) / 1000

/** What a store is given for bytes that it moves by itself, besides the usual time-out. */
export const STORE_COPIES_BYTES_PER_MS = (16 * 1024 * 1024) / 1000

/** Sends a command, built anew for each try. */
export function send<T>(
  s3: S3Context,
  request: Request,
  command: (client: S3Client, options: Sending) => Promise<T>,
): Promise<T> {
  const timeoutMs = s3.options.requestTimeoutMs + (request.bytes ?? 0) / SLOWEST_BYTES_PER_MS
  return attempt({ ...request, ...request.on, timeoutMs }, (abortSignal) =>
    command(s3.clients.prompt, { abortSignal }),
  )
}

/** As `send`, for an answer whose silence is no fault within `timeoutMs`. */
export function sendPatiently<T>(
  s3: S3Context,
  request: Request,
  timeoutMs: number,
  command: (client: S3Client, options: Sending) => Promise<T>,
): Promise<T> {
  return attempt({ ...request, ...request.on, timeoutMs }, (abortSignal) =>
    command(s3.clients.patient, { abortSignal }),
  )
}
