/**
 * The first four bytes of each record, read as a little-endian number, and their lengths without what varies. Section
 * numbers here and beside are those of PKWARE's APPNOTE.TXT, 6.3.10.
 */
export const LOCAL_HEADER = 0x04034b50
export const LOCAL_HEADER_BYTES = 30
export const CENTRAL_RECORD = 0x02014b50
export const CENTRAL_RECORD_BYTES = 46
export const END_RECORD = 0x06054b50
export const END_RECORD_BYTES = 22
export const ZIP64_END_RECORD = 0x06064b50
export const ZIP64_END_RECORD_BYTES = 56
export const ZIP64_LOCATOR = 0x07064b50
export const ZIP64_LOCATOR_BYTES = 20

/** What a field of 16 or 32 bits holds if its value stands in a zip64 field (4.4.1.4). */
export const MAX_16 = 0xffff
export const MAX_32 = 0xffffffff

/** Bits of the general purpose flag (4.4.4). */
export const FLAG_ENCRYPTED = 0x0001
export const FLAG_DESCRIPTOR = 0x0008
export const FLAG_PATCH = 0x0020
export const FLAG_STRONG_ENCRYPTION = 0x0040
export const FLAG_UTF8 = 0x0800
export const FLAG_MASKED = 0x2000

/** Compression methods (4.4.5). */
export const STORED = 0
export const DEFLATED = 8

/** Extra fields (4.5.2, 4.6.1): zip64, NTFS, Info-ZIP's universal time and its Unicode path. */
export const EXTRA_ZIP64 = 0x0001
export const EXTRA_NTFS = 0x000a
export const EXTRA_TIME = 0x5455
export const EXTRA_UNICODE_PATH = 0x7075
