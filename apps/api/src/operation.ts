import type { Permission, TenantId } from '@lading/core'
import type { ErrorCode } from '@lading/protocol'
import type { Request, Response } from 'express'
import { z } from 'zod'
import type { ZodOpenApiRequestBodyObject, ZodOpenApiResponsesObject } from 'zod-openapi'
import type { Identity } from './identity/identity.ts'

export type JsonLimit = 'jsonBytes' | 'planBytes'

/**
 * By what a call names the one run that it works on: the run, or something of it, in its path or its query. A call that
 * works on others as well has no such name.
 */
export type RunNamedBy = 'run_id' | 'job_id' | 'upload_id'

/** One request, with its parts validated. */
export interface Call<Params, Query, Body> {
  readonly request: Request
  readonly response: Response
  readonly tenant: TenantId
  readonly identity: Identity
  readonly params: Params
  readonly query: Query
  readonly body: Body
}

/** What one address does with one method: the same schemas validate its requests and describe it in the document. */
export interface Operation {
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** What the caller must be allowed; `public` and `metrics` speak for no tenant. A route without one does not start. */
  readonly permission: Permission
  /** Undefined: whoever is limited to a run is refused. */
  readonly runNamedBy: RunNamedBy | undefined
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  /** Further header fields of the request. */
  readonly headers?: z.ZodObject
  /** `json`: validated; `stream`: the handler reads it; undefined: dropped. */
  readonly body:
    | { readonly kind: 'json'; readonly schema: z.ZodType; readonly limit: JsonLimit }
    | { readonly kind: 'stream'; readonly content: ZodOpenApiRequestBodyObject }
    | undefined
  readonly responses: ZodOpenApiResponsesObject
  /** Errors beyond those of every operation. */
  readonly errors: readonly ErrorCode[]
  handle(call: Call<never, never, never>): Promise<void> | void
}

interface Spec<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> {
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly permission: Permission
  readonly runNamedBy?: RunNamedBy
  readonly params?: P
  readonly query?: Q
  readonly headers?: z.ZodObject
  readonly json?: B
  /** The limit of its JSON body, in bytes: `jsonBytes` when it is left out. */
  readonly jsonLimit?: JsonLimit
  readonly stream?: ZodOpenApiRequestBodyObject
  readonly responses: ZodOpenApiResponsesObject
  readonly errors?: readonly ErrorCode[]
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Promise<void> | void
}

/** Declares an operation; the types of its call follow from its schemas. */
export function operation<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  spec: Spec<P, Q, B>,
): Operation {
  const { id, tag, summary, description, permission, runNamedBy, headers, responses } = spec
  return {
    id,
    tag,
    summary,
    permission,
    runNamedBy,
    params: spec.params ?? NOTHING,
    query: spec.query ?? NOTHING,
    body: bodyOf(spec),
    responses,
    errors: spec.errors ?? [],
    handle: spec.handle as Operation['handle'],
    ...(description === undefined ? {} : { description }),
    ...(headers === undefined ? {} : { headers }),
  }
}

function bodyOf<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  spec: Spec<P, Q, B>,
): Operation['body'] {
  if (spec.json !== undefined)
    return { kind: 'json', schema: spec.json, limit: spec.jsonLimit ?? 'jsonBytes' }
  if (spec.stream !== undefined) return { kind: 'stream', content: spec.stream }
  return undefined
}

const NOTHING = z.strictObject({})
