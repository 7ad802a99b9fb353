import { mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { inBytes } from '../terminal/figures.ts'
import { existing } from './existing-directory.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** Milliseconds: an upload waits for two or three. */
const SLOW_MS = 50
const WRITES = 9
const CHUNK = Buffer.alloc(256 * 1024, 1)
/** statfs(2): what has no disk below it. */
const TMPFS = 0x0102_1994
const RAMFS = 0x8584_58f6

export async function examineSpool({ spool }: Config): Promise<Finding[]> {
  const directory = await existing(spool.directory)
  const findings: Finding[] = []
  try {
    findings.push(await room(directory, spool), await kind(directory))
    findings.push(await flushes(directory))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    findings.push(fail('spool.writable', message, MENDS[code] ?? WRITE))
  }
  return findings
}

const WRITE = 'Give the user that Lading runs as a directory to write to: LADING_SPOOL_DIR.'
const ROOM = 'Make room, or put LADING_SPOOL_DIR on another disk.'
const MENDS: Readonly<Record<string, string>> = {
  ENOSPC: ROOM,
  EDQUOT: ROOM,
  EROFS: 'It is mounted read-only: mount it to be written to, or put LADING_SPOOL_DIR on another disk.',
}

async function room(directory: string, spool: Config['spool']): Promise<Finding> {
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  const found = `${inBytes(free)} free in ${spool.directory}; ${inBytes(spool.lowWaterBytes)} stay free`
  if (free > 2 * spool.lowWaterBytes) return ok('spool.room', found)
  const mend = 'Make room, put LADING_SPOOL_DIR on another disk, or lower LADING_SPOOL_LOW_WATER.'
  if (free > spool.lowWaterBytes) return warn('spool.room', found, mend)
  return fail('spool.room', `${found}: uploads are refused with 507`, mend)
}

async function kind(directory: string): Promise<Finding> {
  const { type } = await statfs(directory)
  if (type !== TMPFS && type !== RAMFS) return ok('spool.disk', 'is on a disk')
  return warn(
    'spool.disk',
    'is in memory: what was accepted is lost when the machine stops',
    'Put LADING_SPOOL_DIR on a disk.',
  )
}

async function flushes(directory: string): Promise<Finding> {
  const folder = await mkdtemp(join(directory, '.lading-doctor-'))
  try {
    const ms = await medianFlush(join(folder, 'flushed'))
    const found = `${inBytes(CHUNK.length)} are flushed in ${ms.toFixed(1)} ms (median of ${WRITES})`
    if (ms < SLOW_MS) return ok('spool.flush', found)
    return warn('spool.flush', found, 'Uploads wait for the disk: put LADING_SPOOL_DIR on a quicker one.')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function medianFlush(path: string): Promise<number> {
  await using file = await open(path, 'w')
  const times: number[] = []
  for (let count = 0; count < WRITES; count++) {
    const startedAt = performance.now()
    await file.write(CHUNK)
    await file.sync()
    times.push(performance.now() - startedAt)
  }
  return times.sort((a, b) => a - b)[Math.floor(WRITES / 2)] ?? 0
}
