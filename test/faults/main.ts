import { CASES } from './cases/list.ts'
import type { FaultCase } from './fault-case.ts'
import { startFaultServers } from './fault-servers.ts'
import { type FaultOptions, readOptions, USAGE } from './options.ts'
import { Random } from './random.ts'
import { HEAD, isSound, row } from './report.ts'
import { type Outcome, runCase } from './run-case.ts'

/** Runs faults against the real system and prints what became of what was accepted; ends with 1 if anything was harmed. */

// Each server and process that runs adds one, to end with this process.
process.setMaxListeners(500)
const options = optionsOrExit()
if (options.list) {
  for (const { name, fault } of CASES) console.log(`${name.padEnd(36)} ${fault}`)
  process.exit(0)
}
console.log(`seed ${options.seed}\n${HEAD}`)
process.exitCode = (await runAll(options)) ? 0 : 1
process.exit()

async function runAll({ seed, only, soakMinutes }: FaultOptions): Promise<boolean> {
  const cases = only.length === 0 ? CASES : CASES.filter(({ name }) => only.includes(name))
  await using servers = await startFaultServers()
  let sound = true
  let turn = 0
  for (const one of soakMinutes === undefined ? cases : drawn(cases, seed, soakMinutes)) {
    const outcome = await runCase(one, servers, seed + turn).catch((error: Error) => error)
    turn += soakMinutes === undefined ? 0 : 1
    sound = show(outcome) && sound
  }
  return sound
}

function show(outcome: Outcome | Error): boolean {
  if (outcome instanceof Error) {
    console.error(outcome.message)
    return false
  }
  console.log(row(outcome))
  if (isSound(outcome)) return true
  console.error([...outcome.faults, outcome.logs].join('\n'))
  return false
}

function* drawn(cases: readonly FaultCase[], seed: number, minutes: number): Generator<FaultCase> {
  const random = new Random(seed)
  const end = performance.now() + minutes * 60_000
  while (performance.now() < end) yield random.oneOf(cases)
}

function optionsOrExit(): FaultOptions {
  try {
    const read = readOptions(process.argv.slice(2))
    const unknown = read.only.find((name) => CASES.every((one) => one.name !== name))
    if (unknown !== undefined) throw new TypeError(`There is no case "${unknown}"; --list names them`)
    return read
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`${error.message}\n${USAGE}`)
    process.exit(2)
  }
}
