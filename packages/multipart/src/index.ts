export { parseBoundary } from './boundary.ts'
export { DEFAULT_MULTIPART_LIMITS, type MultipartLimits } from './limits.ts'
export { type MultipartHandler, MultipartParser } from './parser.ts'
export type { PartHeader } from './part-header.ts'
