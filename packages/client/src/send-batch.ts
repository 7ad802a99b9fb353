import type { Batch } from './batches.ts'
import { keyOfPart } from './idempotency-key.ts'
import { needed } from './plan.ts'
import type { RunContext } from './run-context.ts'
import { sendFile } from './send-file.ts'
import { sendTar } from './send-tar.ts'
import { sha256Of } from './sha256.ts'
import type { Source } from './source.ts'
import type { Tally } from './tally.ts'
import { bytesIn, type Tar, type TarEntry, tarOf } from './tar.ts'
import { naming } from './unreadable.ts'

/** The open job that batches are added to. */
export interface Adding {
  readonly jobId: string
  /** Of the directory: what it was given once is not accepted twice. */
  readonly idempotencyKey: string
  /** Whether the server is asked what it holds already. */
  readonly asks: boolean
  readonly tally: Tally
}

export async function sendBatch(
  context: RunContext,
  batch: Batch,
  adding: Adding,
  signal: AbortSignal,
): Promise<void> {
  if ('small' in batch) await sendSmall(context, batch.small, adding, signal)
  else await naming(batch.path, () => sendLarge(context, batch.path, batch.large, adding, signal))
}

async function sendSmall(
  context: RunContext,
  tar: Tar,
  { jobId, asks, tally }: Adding,
  signal: AbortSignal,
): Promise<void> {
  const { entries } = tar
  const toSend = asks ? await notHeld(context, jobId, entries, signal) : entries
  const heldFiles = entries.length - toSend.length
  if (heldFiles > 0) tally.addHeld(bytesIn(entries) - bytesIn(toSend), heldFiles)
  if (toSend.length === 0) return
  await sendTar(context, toSend.length === entries.length ? tar : tarOf(toSend), { jobId, signal })
  tally.add(bytesIn(toSend), toSend.length)
}

async function sendLarge(
  context: RunContext,
  path: string,
  source: Source,
  { jobId, idempotencyKey, asks, tally }: Adding,
  signal: AbortSignal,
): Promise<void> {
  const { size, version } = source
  const isHashed = asks || version === undefined
  const sha256 = isHashed ? await sha256Of(source, context.digests, signal) : undefined
  if (asks && sha256 !== undefined) {
    const wanted = await needed(context, jobId, [{ path, size, sha256 }], signal)
    if (!wanted.has(path)) return tally.addHeld(size, 1)
  }
  // A file that was changed since an earlier call is another upload.
  const key = await keyOfPart(idempotencyKey, `${path}\n${version ?? sha256}`, context.digests)
  const options = { jobId, signal, onProgress: tally.ofFile() }
  await sendFile(context, { path, source, sha256, idempotencyKey: key }, options)
}

/** Empty directories are sent always: they cost nothing, and nobody can ask for them. */
async function notHeld(
  context: RunContext,
  jobId: string,
  entries: readonly TarEntry[],
  signal: AbortSignal,
): Promise<TarEntry[]> {
  const files = entries.filter(({ path }) => !path.endsWith('/'))
  const asked = await Promise.all(
    files.map(async ({ path, bytes }) => ({
      path,
      size: bytes.length,
      sha256: await context.digests.whole(bytes),
    })),
  )
  const wanted = await needed(context, jobId, asked, signal)
  return entries.filter(({ path }) => path.endsWith('/') || wanted.has(path))
}
