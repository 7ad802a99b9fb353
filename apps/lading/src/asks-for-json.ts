/** Whether a script reads what is said. Asked also of arguments that mean nothing, whose options nobody has parsed. */
export function asksForJson(args: readonly string[] = process.argv.slice(2)): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}
