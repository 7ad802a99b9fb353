import { S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { type Agents, openAgents } from './agents.ts'
import { rememberEndpoints } from './endpoints.ts'
import { KeyedSha256 } from './keyed-sha256.ts'
import type { S3Options } from './options.ts'
import { signPayloads } from './signing.ts'

export interface Clients {
  /** Ends a request on which no byte moves. */
  readonly prompt: S3Client
  /**
   * Waits through silence, for the answers whose silence is no fault: a download that its reader has paused, an upload
   * that the store puts together. The caller sets the bound.
   */
  readonly patient: S3Client
  readonly agents: Agents
}

export function openClients(options: S3Options): Clients {
  const agents = openAgents(options)
  return {
    prompt: client(options, agents, { socketTimeout: options.requestTimeoutMs }),
    patient: client(options, agents, {}),
    agents,
  }
}

function client(options: S3Options, agents: Agents, timeouts: { socketTimeout?: number }): S3Client {
  const { endpoint, credentials } = options
  const client = new S3Client({
    region: options.region,
    forcePathStyle: options.forcePathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials: withoutUndefined(credentials) }),
    // Each try is this package's own (attempts.ts): CreateMultipartUpload must not be repeated blindly.
    maxAttempts: 1,
    // With the header, the SDK opens a connection of its own for each body of 2 MiB or more.
    expectContinueHeader: false,
    // Checksums are taken when the bytes are accepted and given with each request; the SDK would take them again.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    userAgentAppId: 'lading',
    sha256: KeyedSha256,
    requestHandler: new NodeHttpHandler({
      httpAgent: agents.http,
      httpsAgent: agents.https,
      // Waiting for a connection is no fault; the handler would warn of it on the console.
      logger: QUIET,
      ...timeouts,
    }),
  })
  signPayloads(client)
  rememberEndpoints(client, agents)
  return client
}

const nothing = () => {}
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing }

function withoutUndefined({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: NonNullable<S3Options['credentials']>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
