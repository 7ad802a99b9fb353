import { isScope } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Express, Request, Response } from 'express'
import { confine } from './confine.ts'
import type { ApiContext } from './context.ts'
import { exchangeOf } from './exchange.ts'
import { authorize } from './identity/authorize.ts'
import type { Identity } from './identity/identity.ts'
import { admitToMetrics } from './identity/metrics-access.ts'
import { dropBody, readJson } from './json-body.ts'
import type { Operation } from './operation.ts'
import { queryOf } from './request-target.ts'
import { validated } from './validated.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** An operation at its address. `{name}` takes one segment; `{path}`, at the end, takes all that remain. */
export interface Route {
  readonly method: Method
  readonly path: string
  readonly operation: Operation
}

export function at(method: Method, path: string, operation: Operation): Route {
  return { method, path, operation }
}

/** Mounts the routes, and after them, at each of their addresses, the refusal of every other method. */
export function mount(app: Express, routes: readonly Route[], context: ApiContext): void {
  const verbs = {
    GET: 'get',
    HEAD: 'head',
    POST: 'post',
    PUT: 'put',
    PATCH: 'patch',
    DELETE: 'delete',
    OPTIONS: 'options',
  } as const
  for (const route of routes) checkDeclarations(route)
  // Express gives HEAD to GET unless a HEAD route stands before it.
  for (const route of [...routes].sort((a, b) => Number(b.method === 'HEAD') - Number(a.method === 'HEAD'))) {
    app[verbs[route.method]](expressPath(route.path), (request, response) =>
      run(route, request, response, context),
    )
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    app.route(expressPath(path)).all((request) => refuseMethod(request, methodsAt(routes, path)))
  }
}

/** Types say the same; this stops the start where they were got round. */
function checkDeclarations({ method, path, operation }: Route): void {
  const { permission, runNamedBy, query } = operation
  if (permission !== 'public' && permission !== 'metrics' && !isScope(permission))
    throw new Error(`${method} ${path}: its operation declares no permission`)
  if (
    runNamedBy !== undefined &&
    !path.includes(`{${runNamedBy}}`) &&
    !Object.hasOwn(query.shape, runNamedBy)
  )
    throw new Error(`${method} ${path}: nothing in it is called ${runNamedBy}`)
}

async function run(route: Route, request: Request, response: Response, context: ApiContext): Promise<void> {
  const { operation } = route
  const exchange = exchangeOf(response)
  exchange.route = route.path
  const identity = await callerOf(operation, request, context)
  const tenant = identity?.tenant
  exchange.tenant = tenant
  exchange.caller = identity?.caller
  if (tenant !== undefined) await context.requestRates.admit(tenant, response)
  const params = validated(operation.params, paramsOf(request), 'the path')
  const query = validated(operation.query, queryOf(request.originalUrl), 'the query')
  if (identity) await confine(identity, operation.runNamedBy, { ...query, ...params }, context)
  const body = await bodyOf(operation, request, response, context)
  await operation.handle({ request, response, tenant, identity, params, query, body } as never)
}

/** Undefined: the operation speaks for no tenant. */
async function callerOf(
  { permission }: Operation,
  request: Request,
  context: ApiContext,
): Promise<Identity | undefined> {
  switch (permission) {
    case 'public':
      return undefined
    case 'metrics':
      await admitToMetrics(request, context.config, context.identities)
      return undefined
    default:
      return await authorize(request, permission, context)
  }
}

/** What `*path` took comes from the router in segments. */
function paramsOf(request: Request): Record<string, string> {
  const entries = Object.entries<string | string[]>(request.params)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.join('/') : value]),
  )
}

async function bodyOf(operation: Operation, request: Request, response: Response, context: ApiContext) {
  switch (operation.body?.kind) {
    case 'json':
      return validated(
        operation.body.schema,
        await readJson(request, response, context, operation.body.limit),
        'the body',
      )
    case 'stream':
      return undefined
    case undefined:
      return await dropBody(request, response, context)
  }
}

function methodsAt(routes: readonly Route[], path: string): string[] {
  const methods = routes.filter((route) => route.path === path).map((route) => route.method)
  return methods.includes('GET') ? [...new Set<string>([...methods, 'HEAD'])] : methods
}

function refuseMethod(request: Request, methods: readonly string[]): never {
  const allow = methods.join(', ')
  throw new LadingError('method_not_allowed', `${request.method}: this address takes ${allow}`, {
    headers: { allow },
  })
}

function expressPath(path: string): string {
  return path.replace('/{path}', '/*path').replaceAll(/\{(\w+)\}/g, ':$1')
}
