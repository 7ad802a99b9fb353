/** What both entries export. Classes are exported as types: they are made by `connect`. */
export type * from './bodies.ts'
export { LadingApiError, LadingError, LadingJobError } from './errors.ts'
export type { Jobs } from './jobs.ts'
export type { Lading, RunOptions } from './lading.ts'
export type * from './options.ts'
export type { PlannedFile } from './plan.ts'
export type { Run } from './run.ts'
export type { Upload } from './upload.ts'
