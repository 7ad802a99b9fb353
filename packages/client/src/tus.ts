/** What is said in the header of each request of tus 1.0: https://tus.io/protocols/resumable-upload */
export const TUS = { 'tus-resumable': '1.0.0' }

export const PIECE_TYPE = 'application/offset+octet-stream'

/** Bytes that the server keeps. */
export function offsetIn(response: Response): number {
  return Number(response.headers.get('upload-offset') ?? 0)
}

/** The last segment of its address, which a proxy may have put elsewhere. */
export function idIn(created: Response): string {
  return created.headers.get('location')?.split('/').at(-1) ?? ''
}

/** The value of `Upload-Metadata`. */
export function metadataOf(values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined)
  return pairs.map(([key, value = '']) => `${key} ${base64Of(value)}`).join(',')
}

function base64Of(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}
