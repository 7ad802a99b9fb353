import { LadingError } from '@lading/protocol'
import express, { type Express } from 'express'
import { beginExchanges, checkRequestHead, refuseWhenStopping } from './begin-exchanges.ts'
import type { ApiConfig } from './config.ts'
import { type ApiContext, type ApiDeps, createContext } from './context.ts'
import { crossOrigin } from './cross-origin.ts'
import { docsAssets } from './docs/assets.ts'
import { createHttpServer, type HttpService } from './http-server.ts'
import { createDocumentOf } from './openapi.ts'
import { problemHandler } from './problem.ts'
import { requestLog } from './request-log.ts'
import { at, mount, type Route } from './route.ts'
import * as artifacts from './routes/artifacts.ts'
import * as download from './routes/download.ts'
import * as experiments from './routes/experiments.ts'
import * as jobEvents from './routes/job-events.ts'
import * as jobs from './routes/jobs.ts'
import * as openJobs from './routes/open-jobs.ts'
import * as resumable from './routes/resumable.ts'
import * as runs from './routes/runs.ts'
import * as service from './routes/service.ts'
import * as tokens from './routes/tokens.ts'
import * as uploads from './routes/uploads.ts'
import { securityHeaders } from './security-headers.ts'

export type Api = HttpService

/** The ingest API. Opens nothing but its port; what it is given stays its owner's to close. */
export function createApi(deps: ApiDeps, config: ApiConfig): Api {
  const context = createContext(deps, config)
  return createHttpServer(createApp(context, createRoutes(context)), context)
}

/** Every address, in order. */
export function createRoutes(context: ApiContext): Route[] {
  const experiment = '/api/v1/experiments/{experiment_id}'
  const run = '/api/v1/experiments/runs/{run_id}'
  const artifact = `${run}/artifacts/{path}`
  const job = '/api/v1/jobs/{job_id}'
  const upload = '/api/v1/resumable/{upload_id}'
  const routes: Route[] = [
    at('POST', '/api/v1/experiments', experiments.create(context)),
    at('GET', '/api/v1/experiments', experiments.list(context)),
    at('GET', experiment, experiments.get(context)),
    at('DELETE', experiment, experiments.remove(context)),
    at('POST', `${experiment}/restore`, experiments.restore(context)),
    at('POST', `${experiment}/runs`, runs.create(context)),
    at('GET', `${experiment}/runs`, runs.list(context)),
    at('GET', run, runs.get(context)),
    at('PATCH', run, runs.update(context)),
    at('POST', `${run}/tokens`, tokens.create(context)),
    at('POST', `${run}/log-artifact`, uploads.logArtifact(context)),
    at('POST', `${run}/log-artifacts`, uploads.logArtifacts(context)),
    at('POST', `${run}/uploads`, openJobs.open(context)),
    at('POST', `${run}/uploads/{job_id}/plan`, openJobs.plan(context)),
    at('OPTIONS', `${run}/resumable`, resumable.options(context)),
    at('POST', `${run}/resumable`, resumable.create(context)),
    at('HEAD', upload, resumable.head(context)),
    at('PATCH', upload, resumable.patch(context)),
    at('DELETE', upload, resumable.remove(context)),
    at('GET', `${run}/artifacts`, artifacts.list(context)),
    at('PUT', artifact, uploads.putArtifact(context)),
    at('GET', artifact, download.get(context)),
    at('HEAD', artifact, download.head(context)),
    at('DELETE', artifact, artifacts.remove(context)),
    at('GET', '/api/v1/jobs', jobs.list(context)),
    at('GET', job, jobs.get(context)),
    at('GET', `${job}/files`, jobs.files(context)),
    at('GET', `${job}/events`, jobEvents.events(context)),
    at('POST', `${job}/seal`, openJobs.seal(context)),
    at('POST', `${job}/cancel`, jobs.cancel(context)),
    at('POST', `${job}/retry`, jobs.retry(context)),
    at('GET', '/healthz', service.health()),
    at('GET', '/readyz', service.ready(context)),
    at('GET', '/metrics', service.metrics(context)),
    at('GET', '/docs', service.docs()),
    at(
      'GET',
      '/openapi.json',
      service.document(() => createDocumentOf(routes)),
    ),
  ]
  return routes
}

/** Every middleware, in order. */
export function createApp(context: ApiContext, routes: readonly Route[]): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.enable('strict routing').enable('case sensitive routing').set('query parser', false)
  app.use(beginExchanges)
  app.use(securityHeaders)
  app.use(requestLog(context))
  app.use(crossOrigin(context.config.corsOrigins))
  app.use(refuseWhenStopping(context), checkRequestHead)
  mount(app, routes, context)
  app.use('/docs', docsAssets())
  app.use((request) => {
    throw new LadingError(
      'not_found',
      `${request.method} ${request.path.slice(0, 200)}: there is nothing here`,
    )
  })
  app.use(problemHandler(context))
  return app
}
