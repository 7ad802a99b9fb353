import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import helmet from 'helmet'

/**
 * On every answer: nothing of it is sniffed, framed, embedded elsewhere or told onwards, and what a browser takes for a
 * page loads and runs nothing. Artifacts and the page of the document set a content policy of their own.
 */
export const securityHeaders: RequestHandler = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
  // Browsers heed it over https alone. What names below this one speak is not for this server to say.
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
})

/** The same by name, for answers that no response of Express writes. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = headersOf(securityHeaders)

function headersOf(middleware: RequestHandler): Record<string, string> {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  middleware(request as never, response as never, () => undefined)
  return Object.fromEntries(
    Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]),
  )
}
