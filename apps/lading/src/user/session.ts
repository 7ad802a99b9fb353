import { connect, type Lading } from '@lading/client'
import { type ConnectionOptions, readConnection } from '../connection.ts'
import { Interrupted } from '../interrupted.ts'
import { Output } from '../terminal/output.ts'
import { type Progress, progressMode, progressOn } from '../terminal/progress.ts'
import { interruption } from './interruption.ts'

/** What the commands of users share. */
export interface Session {
  readonly client: Lading
  /** Who is asked, and as whom; to tell one upload from another. */
  readonly place: string
  readonly output: Output
  readonly signal: AbortSignal
  /** To be disposed of before anything else is said. */
  progress(): Progress
}

export interface SessionOptions extends ConnectionOptions {
  readonly json: boolean
}

export interface Manner {
  /** Whether it waits for a server that restarts, as one does that sends or fetches much. */
  readonly patient?: boolean
  /** How to go on when it was interrupted. */
  readonly goOn?: string
}

/** Files from this size on go in pieces of it: a link that breaks costs no more, and progress is seen to move. */
const PIECE_BYTES = 16 * 1024 * 1024
/** With pauses that double from 200 ms on, a server that restarts is waited for, for about 25 seconds. */
const RETRIES = 7

/** Does `work`; the first Ctrl-C ends it by its signal, and a second ends the process. */
export async function withSession(
  options: SessionOptions,
  { patient = false, goOn }: Manner,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { url, tenant, apiKey } = readConnection(process.env, options)
  const signal = interruption()
  const client = connect({
    url,
    ...(tenant !== undefined && { tenant }),
    ...(apiKey !== undefined && { apiKey }),
    retries: patient ? RETRIES : 2,
    pieceBytes: PIECE_BYTES,
    resumableFrom: PIECE_BYTES,
  })
  const session: Session = {
    client,
    place: `${url}\n${tenant ?? ''}`,
    output: new Output(options.json, signal),
    signal,
    progress: () =>
      progressOn(process.stderr, options.json ? 'off' : progressMode(process.stderr, process.env)),
  }
  try {
    await work(session)
  } catch (error) {
    // What knows more than that it was interrupted says so itself.
    if (signal.aborted && (error === signal.reason || !(error instanceof Interrupted)))
      throw new Interrupted(goOn)
    throw error
  }
}
