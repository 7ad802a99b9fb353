import { isLoopback } from '@lading/core'

/** Bytes; documents of issuers have some thousands. */
const MOST_BYTES = 1024 * 1024

/**
 * A JSON document of the issuer, over https, or http on this machine. No redirect is followed: it could lead to where
 * nobody vouches for what is said. Fails with an `Error` that says what is wrong.
 */
export async function fetchJson(url: string, timeoutMs: number): Promise<unknown> {
  if (!isTrustworthy(url)) throw new Error(`${url}: is not https`)
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`${url}: answers with ${response.status}`)
  }
  return JSON.parse(await textOf(response, url))
}

/** Whether nobody between here and there can change what is said. */
function isTrustworthy(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

async function textOf(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MOST_BYTES) throw new Error(`${url}: answers with more than ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
