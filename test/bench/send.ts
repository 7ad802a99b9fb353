import { runProgram } from './program.ts'
import type { Sending, Sent } from './programs/send.ts'

/** Sends from a process of its own, so that the client is not the one that measures. Rejects unless all are accepted. */
export async function send(sending: Sending): Promise<Sent> {
  const sent = await runProgram<Sending, Sent>('send', sending)
  const refused = sent.answers.find(({ status }) => status < 200 || status > 299)
  if (refused === undefined) return sent
  throw new Error(`A request was refused: ${refused.status} ${refused.body}`)
}
