import { LadingApiError } from './errors.ts'
import type { ArtifactHead, CallOptions } from './options.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { sha256In } from './sha256.ts'

/** Fails with `artifact_not_found`, also for a directory. */
export async function headOf(context: RunContext, path: string, call: CallOptions): Promise<ArtifactHead> {
  const { headers } = await ask(context, artifactAddress(context, path), call)
  return {
    path,
    size: Number(headers.get('content-length') ?? 0),
    sha256: sha256In(headers.get('repr-digest')) ?? '',
    etag: headers.get('etag') ?? '',
  }
}

async function ask({ transport }: RunContext, address: string, call: CallOptions): Promise<Response> {
  try {
    return await transport.send(address, { ...call, method: 'HEAD' })
  } catch (error) {
    if (!(error instanceof LadingApiError)) throw error
    // A refusal of HEAD has no body, and so no code.
    const response = await transport.send(address, call)
    await response.body?.cancel()
    return response
  }
}
