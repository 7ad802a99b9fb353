/** What an identity may be allowed. `admin` is allowed everything; the others are exactly what they say. */
export const SCOPES = ['read', 'write', 'delete', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** What an address asks for: a scope; nothing; or, as it speaks for no tenant, that the caller may read metrics. */
export type Permission = Scope | 'public' | 'metrics'

export function isScope(text: unknown): text is Scope {
  return SCOPES.includes(text as Scope)
}

export function allows(held: readonly Scope[], permission: Scope): boolean {
  return held.includes('admin') || held.includes(permission)
}
