import { once } from 'node:events'
import type { Run } from '@lading/catalog'
import type { ArtifactDirectory } from '@lading/core'
import type { ArchiveFormat } from '@lading/protocol'
import { create as contentDisposition } from 'content-disposition'
import type { Request, Response } from 'express'
import type { ApiContext } from '../../context.ts'
import { exchangeOf, goneSignal } from '../../exchange.ts'
import { checkIsDirectory } from '../directory.ts'
import { archiveBytes } from './archive-bytes.ts'
import { FORMATS } from './formats.ts'

/**
 * Answers with the directory as an archive, of no announced length. What goes wrong before the first bytes is a problem as
 * ever; afterwards the connection is reset, so that neither the framing (RFC 9112, 8) nor the archive is whole.
 * Fails with `artifact_not_found`, and `validation_failed` for a file.
 */
export async function sendArchive(
  context: Pick<ApiContext, 'catalog' | 'store' | 'log'>,
  { request, response }: { request: Request; response: Response },
  run: Run,
  { directory, format }: { directory: ArtifactDirectory; format: ArchiveFormat },
): Promise<void> {
  await checkIsDirectory(context.catalog.artifacts, run, directory)
  const headers = headersOf(directory === '' ? run.runId : directory, format)
  if (request.method === 'HEAD') {
    response.writeHead(200, headers).end()
    return
  }
  const gone = goneSignal(response)
  const chunks = archiveBytes(context, { run, directory }, format, gone)
  const first = await chunks.next()
  response.writeHead(200, headers)
  try {
    for (let next = first; !next.done; next = await chunks.next()) {
      if (!response.write(next.value)) await once(response, 'drain', { signal: gone })
    }
    response.end()
  } catch (error) {
    cutOff(response)
    if (gone.aborted) return
    const { requestId } = exchangeOf(response)
    context.log.error(
      { err: error, req_id: requestId, run_id: run.runId, directory },
      'an archive was cut off',
    )
  } finally {
    await chunks.return(undefined)
  }
}

function headersOf(path: string, format: ArchiveFormat): Record<string, string> {
  const name = `${path.slice(path.lastIndexOf('/') + 1)}.${format}`
  return {
    'content-type': FORMATS[format].contentType,
    'content-disposition': contentDisposition(name, { type: 'attachment' }),
    'cache-control': 'no-store',
  }
}

/** A reset, since to a client of HTTP/1.0 (some proxies are) an orderly close is the end of a whole answer. */
function cutOff(response: Response): void {
  response.socket?.resetAndDestroy()
  response.destroy()
}
