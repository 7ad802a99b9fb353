/** What the doctor found of one thing. */
export interface Finding {
  /** Stable, for scripts: the part and the thing, as `redis.eviction`. */
  readonly check: string
  /** `warn`: it works, and somebody should know. `skip`: there was nothing to look at. */
  readonly state: 'ok' | 'warn' | 'fail' | 'skip'
  readonly found: string
  /** What to do about it. */
  readonly mend?: string
}

export function ok(check: string, found: string): Finding {
  return { check, state: 'ok', found }
}

export function skip(check: string, found: string): Finding {
  return { check, state: 'skip', found }
}

export function warn(check: string, found: string, mend: string): Finding {
  return { check, state: 'warn', found, mend }
}

export function fail(check: string, found: string, mend: string): Finding {
  return { check, state: 'fail', found, mend }
}
