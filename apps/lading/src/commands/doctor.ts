import { examine } from '../doctor/examine.ts'
import type { Finding } from '../doctor/finding.ts'
import { PARTS, type Part } from '../doctor/parts.ts'
import type { Environment } from '../environment.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { withoutSecrets } from '../log/without-secrets.ts'

export interface DoctorOptions {
  readonly url?: string
  readonly tenant?: string
  readonly json: boolean
}

const SIGNS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skip: '-   ' } as const

/** Prints what it finds, as it finds it. The exit code: failed if anything must be mended. */
export async function doctor(
  asked: readonly Part[],
  options: DoctorOptions,
  environment: Environment,
): Promise<number> {
  const parts = asked.length === 0 ? partsFor(environment) : asked
  const findings: Finding[] = []
  for await (const finding of examine(parts, environment, options)) {
    findings.push(finding)
    if (!options.json) console.log(withoutSecrets(lineOf(finding)))
  }
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  if (options.json) console.log(withoutSecrets(JSON.stringify({ ok: count('fail') === 0, findings })))
  else console.log(`\n${count('ok')} in order, ${count('warn')} to know of, ${count('fail')} to mend`)
  return count('fail') === 0 ? EXIT_CODES.done.code : EXIT_CODES.failed.code
}

/** Where only a server's address is set, a user asks, on a machine that is none. */
function partsFor(environment: Environment): readonly Part[] {
  const ofServer =
    /^(DATABASE_URL|REDIS_URL|S3_\w+|LADING_(?:DATA_DIR|SPOOL_DIR|OBJECTS_DIR|HOST|PORT|AUTH))$/
  const isUser = environment.LADING_URL && !Object.keys(environment).some((name) => ofServer.test(name))
  return isUser ? ['node', 'server'] : PARTS
}

function lineOf({ check, state, found, mend }: Finding): string {
  const first = `${SIGNS[state]}  ${check.padEnd(20)}  ${found}`
  return mend === undefined ? first : `${first}\n${' '.repeat(28)}${mend}`
}
