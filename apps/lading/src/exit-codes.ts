/** What the command ends with, for scripts. `docs/cli.md` lists the same; a test checks. */
export const EXIT_CODES = {
  done: row(0, 'Done, or stopped as asked'),
  failed: row(1, 'It failed: the sentence on standard error says why'),
  usage: row(2, 'The arguments or settings are not valid; nothing was done'),
  rotted: row(3, 'Of `verify`: objects have rotted'),
  partial: row(4, 'Some of it was done, and some could not be: what could not is named'),
  notFound: row(5, 'There is no such run, artifact, job or experiment'),
  refused: row(6, 'The server refused: no valid key, no permission, or a request that it does not take'),
  unreachable: row(7, 'The server does not answer, or is not ready; the same command may succeed later'),
  interrupted: row(130, 'Interrupted (Ctrl-C); what was said on standard error tells how to go on'),
} as const

export type Exit = keyof typeof EXIT_CODES

function row(code: number, about: string) {
  return { code, about }
}
