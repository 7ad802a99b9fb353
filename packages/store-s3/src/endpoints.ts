import type { Agent } from 'node:http'
import type { S3Client } from '@aws-sdk/client-s3'
import type { Agents } from './agents.ts'

/** Where and how the requests for a bucket go. */
export interface Endpoint {
  /** With the bucket in it, in the host name or the path. */
  readonly url: URL
  /** Asks for the credentials anew each time, as the client does. */
  readonly signer: ReturnType<S3Client['config']['signer']>
  readonly agent: Agent
}

interface AuthScheme {
  readonly name: 'sigv4'
  readonly signingName: string
  readonly signingRegion: string
  readonly properties: Record<string, unknown>
}

/** What the SDK notes of the endpoint in the context of a request (`EndpointV2` of @smithy/types). */
interface Resolved {
  readonly url: URL
  readonly headers?: Readonly<Record<string, unknown>>
  readonly properties?: { readonly authSchemes?: readonly Partial<AuthScheme>[] }
}

const endpoints = new WeakMap<S3Client, Map<string, Endpoint>>()

/** Has the client remember, for each bucket, the endpoint that the SDK resolves it to. */
export function rememberEndpoints(client: S3Client, agents: Agents): void {
  const known = new Map<string, Endpoint>()
  endpoints.set(client, known)
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { Bucket: bucket } = args.input as { readonly Bucket?: string }
      if (bucket !== undefined && !known.has(bucket)) {
        const endpoint = endpointFrom(client, agents, context.endpointV2 as Resolved | undefined)
        if (endpoint !== undefined) known.set(bucket, endpoint)
      }
      return next(args)
    },
    { step: 'build', name: 'ladingEndpoints' },
  )
}

export function endpointOf(client: S3Client, bucket: string): Endpoint | undefined {
  return endpoints.get(client)?.get(bucket)
}

/** One that wants nothing but a signature: not that of several regions, nor a session of S3 Express. */
function endpointFrom(
  client: S3Client,
  agents: Agents,
  resolved: Resolved | undefined,
): Endpoint | undefined {
  const scheme = resolved?.properties?.authSchemes?.[0]
  if (resolved === undefined || scheme?.name !== 'sigv4') return undefined
  const { signingName, signingRegion } = scheme
  if (signingName === undefined || signingRegion === undefined) return undefined
  if (Object.keys(resolved.headers ?? {}).length > 0) return undefined
  const signer = client.config.signer({ name: 'sigv4', signingName, signingRegion, properties: {} })
  const { url } = resolved
  return { url, signer, agent: url.protocol === 'https:' ? agents.https : agents.http }
}
