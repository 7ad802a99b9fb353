import type { Job } from '@lading/catalog'
import { jobHasEnded } from '@lading/core'
import { JobParams, JobResponse } from '@lading/protocol'
import type { Response } from 'express'
import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import { jobBody } from '../job-body.ts'
import { operation } from '../operation.ts'
import { jobOf } from './ids.ts'

type Needs = Pick<ApiContext, 'catalog' | 'jobWatch' | 'config' | 'stopping'>

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `job`, with the whole job as
 * its data, now and at each change; the stream ends after the job has. Each event stands for all before it, so that
 * `Last-Event-ID` needs no history: a client that comes back is told the present state.
 */
export function events({ catalog, jobWatch, config, stopping }: Needs) {
  return operation({
    id: 'watchJob',
    permission: 'read',
    runNamedBy: 'job_id',
    tag: 'Jobs',
    summary: 'Follow a job by server-sent events',
    params: JobParams,
    responses: {
      200: { description: 'Events called `job`', content: { 'text/event-stream': { schema: JobResponse } } },
    },
    errors: ['job_not_found'],
    async handle({ tenant, params, request, response }) {
      const job = await jobOf(catalog, tenant, params.job_id)
      exchangeOf(response).jobId = job.jobId
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      if (request.method === 'HEAD') {
        response.end()
        return
      }
      const stream = new JobStream(response)
      const unsubscribe = jobWatch.subscribe(job.jobId, (state) => stream.tell(state))
      const beat = setInterval(() => response.write(': still here\n\n'), config.limits.heartbeatMs)
      const end = () => response.end()
      stopping.signal.addEventListener('abort', end, { once: true })
      response.once('close', () => {
        unsubscribe()
        clearInterval(beat)
        stopping.signal.removeEventListener('abort', end)
      })
      stream.tell(job)
      if (stopping.signal.aborted) end()
    },
  })
}

/** Bytes that may wait for a client that does not read; then it is skipped until it does, as each event is whole. */
const BACKLOG_BYTES = 64 * 1024

class JobStream {
  readonly #response: Response
  #last = ''
  #count = 0

  constructor(response: Response) {
    this.#response = response
  }

  tell(job: Job): void {
    const data = JSON.stringify(jobBody(job))
    const ended = jobHasEnded(job.state)
    if (data === this.#last || this.#response.writableEnded) return
    if (!ended && this.#response.writableLength > BACKLOG_BYTES) return
    this.#last = data
    this.#count += 1
    this.#response.write(`id: ${this.#count}\nevent: job\ndata: ${data}\n\n`)
    if (ended) this.#response.end()
  }
}
