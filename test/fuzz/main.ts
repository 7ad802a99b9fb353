import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { TARGETS } from './plan.ts'

/** `npm run fuzz -- --minutes N [--seed S]`: all targets, one after another, with inputs that a seed decides. */

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } },
})
const minutes = whole('--minutes', values.minutes)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('--seed', values.seed)
const folder = mkdtempSync(join(tmpdir(), 'lading-fuzz-'))
console.log(`seed ${seed}, ${minutes} minutes; what is under way is in ${folder}`)
const { status } = spawnSync('npx', ['vitest', 'run', 'test/fuzz'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    LADING_FUZZ_MS: String((minutes * 60_000) / TARGETS.length),
    LADING_FUZZ_SEED: String(seed),
    LADING_FUZZ_FOLDER: folder,
  },
})
process.exitCode = status ?? 1

function whole(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  console.error(`${option} takes a whole number, not "${text}"\nnpm run fuzz -- [--minutes N] [--seed S]`)
  process.exit(2)
}
