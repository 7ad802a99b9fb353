export type * from './catalog.ts'
export * from './model.ts'
