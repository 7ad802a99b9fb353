import { LadingError } from '@lading/protocol'
import type { Request, Response } from 'express'
import type { ApiContext } from './context.ts'
import { readBody } from './ingest/body-reader.ts'
import type { JsonLimit } from './operation.ts'
import { contentLengthOf, hasContent } from './request-head.ts'

type Needs = Pick<ApiContext, 'bodies' | 'config'>

/**
 * Reads a JSON body (RFC 8259: UTF-8) within the limit. An empty one is `{}`, as where every field may be left
 * out. Fails with `unsupported_media_type`, `unsupported_content_encoding`, `request_too_large`, `bad_request`.
 */
export async function readJson(
  request: Request,
  response: Response,
  context: Needs,
  limit: JsonLimit,
): Promise<unknown> {
  if (!hasContent(request)) return {}
  checkJsonType(request)
  const bytes = await readBytes(request, response, context, limit)
  if (bytes.length === 0) return {}
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new LadingError('bad_request', 'the body is not JSON in UTF-8', { cause })
  }
}

/** Reads and drops the body of a request that needs none, within `limits.jsonBytes`. */
export async function dropBody(request: Request, response: Response, context: Needs): Promise<void> {
  if (hasContent(request)) await readBytes(request, response, context, 'jsonBytes')
}

function checkJsonType(request: Request): void {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new LadingError('unsupported_media_type', 'Content-Type: this address takes application/json')
  }
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new LadingError('unsupported_content_encoding', 'Content-Encoding: send the JSON as it is')
  }
}

async function readBytes(
  request: Request,
  response: Response,
  context: Needs,
  name: JsonLimit,
): Promise<Buffer> {
  const limit = context.config.limits[name]
  if ((contentLengthOf(request) ?? 0) > limit) {
    throw new LadingError('request_too_large', `Content-Length: the limit of this address is ${limit} bytes`)
  }
  const chunks: Buffer[] = []
  await readBody(request, response, context.bodies, limit, (chunk) => {
    chunks.push(chunk)
    return undefined
  })
  return Buffer.concat(chunks)
}
