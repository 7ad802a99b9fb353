import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentLengthOf, hasContent } from './request-head.ts'

export interface DrainLimits {
  /** Bytes to come, of a known number, for which a connection is not closed. */
  readonly drainBytes: number
  /** In all. */
  readonly drainMs: number
  /** Between two chunks. */
  readonly drainIdleMs: number
}

const unreadable = new WeakSet<IncomingMessage>()

/** Says that nothing sensible follows on the request's connection (its framing is broken). */
export function markUnreadable(request: IncomingMessage): void {
  unreadable.add(request)
}

/** Whether bytes of the body are still to come. */
function bodyPending(request: IncomingMessage): boolean {
  return hasContent(request) && !request.complete
}

/**
 * Whether the connection must close after a refusal: when the rest of the body is known to be longer than is worth
 * reading, when the client was told nothing of 100-continue, or when the framing is broken.
 */
export function mustClose(
  request: IncomingMessage,
  continued: boolean,
  received: number,
  limits: DrainLimits,
): boolean {
  if (unreadable.has(request)) return true
  if (!bodyPending(request)) return false
  if (!continued) return true
  const length = contentLengthOf(request)
  return length !== undefined && length - received > limits.drainBytes
}

/**
 * Ends an answer that is already written, once what remains of the request's body has been read and dropped, within a
 * time: however fast a client sends, it is told to stop and has to be given the time to see it. A client that writes its whole body before it reads meets the answer so, instead of a reset; closing with
 * unread bytes would make the kernel send one (RFC 9112, 9.6).
 */
export function endAfterDraining(
  request: IncomingMessage,
  response: ServerResponse,
  limits: Pick<DrainLimits, 'drainMs' | 'drainIdleMs'>,
): void {
  if (!bodyPending(request) || unreadable.has(request)) {
    response.end()
    return
  }
  const drop = () => idle.refresh()
  const finish = () => {
    clearTimeout(timer)
    clearTimeout(idle)
    request.off('data', drop).off('end', finish).off('close', finish)
    response.end(() => {
      if (!request.complete) request.socket.destroySoon()
    })
  }
  const timer = setTimeout(finish, limits.drainMs)
  const idle = setTimeout(finish, limits.drainIdleMs)
  request.on('data', drop).on('end', finish).on('close', finish).resume()
}
