import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { newApiKey } from '@lading/core'
import type { RunResponse } from '@lading/protocol'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { MARK } from './guarded-servers.ts'

/** What clients show by mistake, in places that nobody asked for. */
const SHOWN = {
  cookie: `session=${MARK}-of-a-cookie`,
  'x-api-key': `${MARK}-of-a-header`,
  'x-amz-security-token': `${MARK}-of-amazon`,
  'proxy-authorization': `Basic ${MARK}`,
}
const SIGNED = `X-Amz-Signature=${MARK}&X-Amz-Credential=${MARK}&token=${MARK}`

/** A client that keeps every answer, word for word. */
export class Asking {
  readonly heard: string[] = []
  /** Keys of nobody that it showed. */
  readonly keys: string[] = []
  readonly #url: string
  readonly #key: string

  constructor(url: string, key: string) {
    this.#url = url
    this.#key = key
  }

  /** Uploads a file, and waits for the end of its job; the state it ended in. */
  async upload(): Promise<string> {
    const experiment = await this.#json('/api/v1/experiments', { name: `with secrets ${Math.random()}` })
    const runs = `/api/v1/experiments/${experiment.experiment_id}/runs`
    const { run_id } = (await this.#json(runs, {})) as unknown as RunResponse
    const path = `/api/v1/experiments/runs/${run_id}/artifacts/a.txt`
    const { status_url } = JSON.parse(await this.ask(path, { method: 'PUT', body: 'some text' }))
    const ended = await until(async () => {
      const { state } = JSON.parse(await this.ask(`${status_url}?wait=5`))
      return state !== 'queued' && state !== 'running' && state
    }, WITHIN)
    await this.ask(path)
    return ended
  }

  /** With keys and signatures where they do not belong, and in forms that are refused. */
  async mistakes(): Promise<void> {
    const claims = Buffer.from(`{"tenant":"${Math.random()}"}`).toString('base64url')
    const unknown = [newApiKey(), `lading_run_${claims}.${MARK}`, `eyJhbGciOiJFUzI1NiJ9.${claims}.${MARK}`]
    this.keys.push(...unknown, claims)
    for (const authorization of [
      ...unknown.map((key) => `Bearer ${key}`),
      `Bearer ${MARK}`,
      `Basic ${MARK}`,
      `AWS4-HMAC-SHA256 Signature=${MARK}`,
    ])
      await this.ask('/api/v1/jobs', { headers: { authorization } })
    for (const path of ['/api/v1/jobs', '/nothing', '/metrics', '/readyz'])
      await this.ask(`${path}?${SIGNED}`)
    const shown = `authorization: Bearer ${this.#key}\r\nx-api-key: ${MARK}\r\n`
    await this.#raw(`GET /api/v1/jobs HTTP/1.1\r\n${shown}${shown}\r\n`)
    await this.#raw(`GET http://me:${MARK}@127.0.0.1/api/v1/jobs HTTP/1.1\r\nhost: t\r\n${shown}\r\n`)
    await this.#raw(`PUT /api/v1/jobs HTTP/1.1\r\nhost: t\r\n${shown}content-length: ${MARK}\r\n\r\n`)
  }

  async ask(path: string, init: RequestInit = {}): Promise<string> {
    const headers = { authorization: `Bearer ${this.#key}`, ...SHOWN, ...init.headers }
    const response = await fetch(`${this.#url}${path}`, { ...init, headers })
    const body = await response.text()
    this.heard.push(JSON.stringify([...response.headers]), body)
    return body
  }

  async #json(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json' }
    return JSON.parse(await this.ask(path, { method: 'POST', headers, body: JSON.stringify(body) }))
  }

  async #raw(bytes: string): Promise<void> {
    const socket = connect(Number(new URL(this.#url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.end(bytes)
    this.heard.push((await buffer(socket)).toString('latin1'))
  }
}
