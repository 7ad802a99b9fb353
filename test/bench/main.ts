import { cpus } from 'node:os'
import { accept } from './accept.ts'
import { again } from './again.ts'
import { client } from './client.ts'
import { deliver } from './deliver.ts'
import { fair } from './fair.ts'
import { growth } from './growth.ts'
import { memory } from './memory.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { parser } from './parser.ts'
import { small } from './small.ts'
import { tree } from './tree.ts'

/** Each prints its figures, those of its baselines taken in turns with them, and the aim. docs/benchmarks.md explains them. */
const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  accept,
  deliver,
  small,
  memory,
  fair,
  tree,
  growth,
  again,
  client,
  parser,
}

// Each server that runs adds one, to end with this process.
process.setMaxListeners(100)
const options = optionsOrExit()
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${options.directory}`,
)
for (const [name, bench] of Object.entries(BENCHES)) {
  if (options.names.length > 0 && !options.names.includes(name)) continue
  console.log(`\n${name}`)
  await bench(options)
}
process.exit(0)

function optionsOrExit(): BenchOptions {
  const names = Object.keys(BENCHES).join(', ')
  try {
    const read = readOptions(process.argv.slice(2))
    const unknown = read.names.find((name) => !(name in BENCHES))
    if (unknown !== undefined) throw new TypeError(`There is no bench "${unknown}"`)
    return read
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`${error.message}\n${USAGE}\nnames: ${names}`)
    process.exit(2)
  }
}
