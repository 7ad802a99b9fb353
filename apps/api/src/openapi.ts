import { isScope } from '@lading/core'
import { ERRORS, type ErrorCode, PROBLEM_MEDIA_TYPE, Problem } from '@lading/protocol'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi'
import type { Operation } from './operation.ts'
import type { Route } from './route.ts'

/** Errors that any operation may answer. */
const EVERYWHERE: readonly ErrorCode[] = [
  'bad_request',
  'validation_failed',
  'internal',
  'origin_not_allowed',
  'shutting_down',
]
const FOR_TENANTS: readonly ErrorCode[] = [
  'unauthenticated',
  'token_tenant_invalid',
  'too_many_requests',
  'permission_denied',
  'run_token_refused',
  'tenant_mismatch',
  'tenant_invalid',
  'tenant_required',
  'catalog_unavailable',
  'issuer_unavailable',
]

const TenantHeader = z
  .string()
  .optional()
  .meta({ description: 'The tenant; a server may have a default', example: 'acme-corp' })

/** The API as OpenAPI 3.1, from the routes and the schemas that validate their requests. */
export function createDocumentOf(routes: readonly Route[]) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const { method, path, operation } of routes) {
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = describe(operation)
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Lading',
      version: '1.0.0',
      description: 'Takes the files that training jobs produce, promises to deliver them, and delivers them.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    paths,
  })
}

function describe(operation: Operation): ZodOpenApiOperationObject {
  const header = operation.headers ?? z.object({})
  const ofTenant = isScope(operation.permission)
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    requestParams: {
      path: operation.params,
      query: operation.query,
      header: ofTenant ? header.extend({ 'X-Tenant-ID': TenantHeader }) : header,
    },
    ...(operation.permission === 'public' ? {} : { security: [{}, { key: [] }] }),
    ...requestBodyOf(operation),
    responses: { ...operation.responses, ...problemsOf(operation) },
  }
}

function requestBodyOf({ body }: Operation): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (body === undefined) return {}
  if (body.kind === 'stream') return { requestBody: body.content }
  return { requestBody: { content: { 'application/json': { schema: body.schema } } } }
}

/** One answer for each status, which lists the codes that it may have. */
function problemsOf(operation: Operation): ZodOpenApiResponsesObject {
  const codes = new Set([
    ...EVERYWHERE,
    ...(isScope(operation.permission) ? FOR_TENANTS : []),
    ...operation.errors,
  ])
  const responses: ZodOpenApiResponsesObject = {}
  for (const [status, group] of Map.groupBy(codes, (code) => String(ERRORS[code].status) as '400')) {
    const lines = group.map((code) => `- \`${code}\`: ${ERRORS[code].title}`)
    responses[status] = {
      description: lines.join('\n'),
      content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } },
    }
  }
  return responses
}
