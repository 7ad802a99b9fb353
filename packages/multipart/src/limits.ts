/** What a caller may set. Sizes of fields and files are the caller's to count, as their bytes come by. */
export interface MultipartLimits {
  /** Parts (fields and files together) in one body. */
  readonly parts: number
  /** Bytes of a field's name in UTF-8. */
  readonly nameBytes: number
  /** Bytes of one part's header, from the boundary's line to the empty line, which counts too. */
  readonly headerBytes: number
}

export const DEFAULT_MULTIPART_LIMITS: MultipartLimits = {
  parts: 10_000,
  nameBytes: 100,
  headerBytes: 16 * 1024,
}

/** Bytes of text before the first boundary (RFC 2046, 5.1.1: it is to be ignored; form clients send none). */
export const PREAMBLE_BYTES = 1024

/** Spaces and tabs after a boundary (RFC 2046, 5.1.1: "transport-padding", added by mail gateways only). */
export const PADDING_BYTES = 32
