/** What an identity may be allowed. `admin` is allowed everything; the others are exactly what they say. */
export const SCOPES = ['read', 'write', 'delete', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** What an address asks for: a scope, or nothing. */
export type Permission = Scope | 'public'

export function isScope(text: unknown): text is Scope {
  return SCOPES.includes(text as Scope)
}

export function allows(held: readonly Scope[], permission: Permission): boolean {
  return permission === 'public' || held.includes('admin') || held.includes(permission)
}
