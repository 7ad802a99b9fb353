import { spawnSync } from 'node:child_process'
import { type Audit, readAudit } from './read-audit.ts'

/**
 * Asks the registry for known holes in what runs in production, and fails on those that are high or critical. Ends with 0
 * (there is none), 1 (there is one), or 75 where the registry could not be asked, which says nothing of the code
 * (EX_TEMPFAIL of sysexits.h).
 */
const EXIT = { sound: 0, holes: 1, unanswered: 75 } as const satisfies Record<Audit['outcome'], number>

const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--json', ...quickly()], {
  encoding: 'utf8',
})
const audit = readAudit(stdout, stderr)
console.log(audit.lines.join('\n'))
process.exitCode = EXIT[audit.outcome]

/** CI must not wait for minutes for a network that it does not have. */
function quickly(): string[] {
  return ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=20000']
}
