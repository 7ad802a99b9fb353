/** What an audit found, and says. */
export interface Audit {
  readonly outcome: 'sound' | 'holes' | 'unanswered'
  readonly lines: readonly string[]
}

/** The parts of npm's report that decide (https://docs.npmjs.com/auditing-package-dependencies-for-security-vulnerabilities). */
interface Report {
  readonly vulnerabilities?: Readonly<Record<string, Vulnerability>>
  readonly metadata?: { readonly dependencies?: { readonly prod?: number } }
  readonly message?: string
  readonly error?: { readonly summary?: string; readonly code?: string }
}

interface Vulnerability {
  readonly severity: string
  readonly range: string
  /** Names of packages, or advisories. */
  readonly via: readonly (string | { readonly title: string; readonly url: string })[]
}

const GRAVE = ['high', 'critical']

/** Reads what `npm audit --json` wrote. A registry that was not reached, or takes no audits, is `unanswered`. */
export function readAudit(stdout: string, stderr: string): Audit {
  const { vulnerabilities, metadata, ...failed } = parsed(stdout)
  if (vulnerabilities === undefined) {
    const why = failed.error?.summary || failed.message || firstLine(stderr) || 'it said nothing'
    return { outcome: 'unanswered', lines: [`the registry answered no audit: ${why}`] }
  }
  const found = Object.entries(vulnerabilities)
  const grave = found.filter(([, { severity }]) => GRAVE.includes(severity))
  const sum = `${metadata?.dependencies?.prod ?? 'all'} packages of production: ${grave.length} with grave holes, ${found.length - grave.length} with others`
  return { outcome: grave.length === 0 ? 'sound' : 'holes', lines: [...found.flatMap(linesOf), sum] }
}

function parsed(stdout: string): Report {
  try {
    const report: unknown = JSON.parse(stdout)
    return typeof report === 'object' && report !== null ? report : {}
  } catch {
    return {}
  }
}

function linesOf([name, { severity, range, via }]: [string, Vulnerability]): string[] {
  return via.map((why) =>
    typeof why === 'string'
      ? `${severity}: ${name} ${range}, by ${why}`
      : `${severity}: ${name} ${range}: ${why.title} (${why.url})`,
  )
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
