/** What the doctor looks at, in this order. The first two are what a user's machine needs; the others a server's. */
export const PARTS = [
  'node',
  'server',
  'settings',
  'postgres',
  'redis',
  'store',
  'spool',
  'clocks',
  'ports',
] as const

export type Part = (typeof PARTS)[number]
