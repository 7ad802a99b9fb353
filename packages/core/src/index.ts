export * from './digest.ts'
export type * from './ports/object-store.ts'
export type * from './ports/queue.ts'
export type * from './ports/spool.ts'
