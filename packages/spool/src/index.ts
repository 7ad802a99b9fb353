export { openSpool, type SpoolOptions } from './open-spool.ts'
