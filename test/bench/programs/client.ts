import { json } from 'node:stream/consumers'
import { connect, type DiskFile, fileAt, filesIn } from '@lading/client'
import { now } from '../now.ts'

/** What the TypeScript client is to log to a new run, as a user of it would. */
export interface ClientWork {
  readonly url: string
  readonly tenant: string
  /** A directory at once, its files one by one, or one file. */
  readonly log: 'directory' | 'files' | 'file'
  /** On the disk. */
  readonly path: string
}

export interface ClientDone {
  /** Milliseconds until all was accepted. */
  readonly ms: number
  readonly jobId: string
}

/** Files that are logged one by one, and yet at once: more than the client has under way by itself. */
const AT_ONCE = 16

const { url, tenant, log, path } = (await json(process.stdin)) as ClientWork
const lading = connect({ url, tenant })
const run = await lading.startRun({ experiment: 'bench' })
const start = now()
const jobId = await { directory, files, file }[log]()
console.log(JSON.stringify({ ms: now() - start, jobId } satisfies ClientDone))

async function directory(): Promise<string> {
  return (await run.logArtifacts(filesIn(path))).jobId
}

async function file(): Promise<string> {
  return (await run.logArtifact('large', await fileAt(path))).jobId
}

async function files(): Promise<string> {
  const { job_id: jobId } = await run.openJob()
  const walk = filesIn(path)
  const lane = async () => {
    for (let next = await walk.next(); !next.done; next = await walk.next()) await one(next.value, jobId)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  await lading.jobs.seal(jobId)
  return jobId
}

async function one(found: DiskFile, jobId: string): Promise<void> {
  await run.logArtifact(found.path, await fileAt(found.source), { jobId })
}
