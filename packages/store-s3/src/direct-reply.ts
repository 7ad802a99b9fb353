import type { IncomingMessage } from 'node:http'

export interface DirectReply {
  readonly statusCode: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: IncomingMessage
}

/** Bytes of an error's XML that are read; what goes beyond is no store's answer. */
const MOST_XML = 64 * 1024

/** Redirects, and the faults that the SDK corrects by the answer: of the region, the clock, the credentials. */
export function isForTheSdk({ statusCode }: DirectReply): boolean {
  return statusCode >= 300 && statusCode <= 403
}

/** What is read of it is what is read of the SDK's own errors (errors.ts). */
export async function faultOfReply({ statusCode, headers, body }: DirectReply): Promise<Error> {
  const xml = await readSome(body)
  const code = /<Code>([^<]+)<\/Code>/.exec(xml)?.[1] ?? (statusCode === 404 ? 'NotFound' : 'UnknownError')
  const error = new Error(/<Message>([^<]+)<\/Message>/.exec(xml)?.[1] ?? 'UnknownError')
  error.name = code
  return Object.assign(error, {
    Code: code,
    $metadata: { httpStatusCode: statusCode, requestId: headers['x-amz-request-id'] },
    $response: { statusCode, headers },
  })
}

async function readSome(body: IncomingMessage | undefined): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes > MOST_XML) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
