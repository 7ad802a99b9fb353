import { isDeepStrictEqual } from 'node:util'
import { ApiUnderTest } from '../../apps/api/src/fixtures/api-under-test.ts'
import { type RawAnswer, RawConnection } from '../../apps/api/src/fixtures/raw-connection.ts'
import { until } from '../support/deadline.ts'
import { framing, requests } from './grammars/requests.ts'
import type { Target } from './target.ts'

/** Milliseconds: far above what an answer takes. */
const PATIENCE = 20_000

type Kept = Awaited<ReturnType<ApiUnderTest['kept']>>

/** A running API that is sent requests, and looked at after each. */
export class FuzzedServer implements AsyncDisposable {
  readonly #server: ApiUnderTest
  readonly #run: string
  /** All that is kept, as of the last look. */
  #kept: Kept

  private constructor(server: ApiUnderTest, run: string, kept: Kept) {
    this.#server = server
    this.#run = run
    this.#kept = kept
  }

  static async start(): Promise<FuzzedServer> {
    const server = await ApiUnderTest.start({
      anyLocation: true,
      limits: {
        requestBytes: 200_000,
        fileBytes: 100_000,
        entries: 100,
        headersTimeoutMs: 2000,
        bodyRateWindowMs: 2000,
      },
    })
    const { path } = await server.run()
    return new FuzzedServer(server, path, await server.kept())
  }

  /** Whole requests, each of which must be answered; and bytes that only resemble one, after which the client is gone. */
  get targets(): readonly Target[] {
    return [
      { name: 'requests', inputs: requests, check: (input) => this.#check(input, answered) },
      { name: 'framing', inputs: framing, check: (input) => this.#check(input, ended) },
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }

  /** Every answer is no fault of the server; what is not accepted leaves nothing; the next request is served. */
  async #check(input: Buffer, outcome: Outcome): Promise<void> {
    using connection = await RawConnection.open(this.#server.port)
    connection.send(filled(input, { run: this.#run, root: `${this.#server.store.rootUri}artifacts/` }))
    const answers = await outcome(connection, input)
    const bad = answers.find(({ status }) => status >= 500)
    if (bad !== undefined) throw new Error(`the server answers ${bad.status} ${bad.body}`)
    const accepted = answers.some(({ status }) => status < 300)
    await until(async () => accepted || (await this.#isSound(answers.length > 0)), { within: PATIENCE })
    this.#kept = await this.#server.kept()
    const health = await this.#server.fetch('/healthz')
    if (!health.ok) throw new Error(`the next request gets ${health.status}`)
  }

  /** Nothing is left; but Node answers nobody who has ended its side, whose request may have been accepted unheard. */
  async #isSound(answered: boolean): Promise<boolean> {
    const now = await this.#server.kept()
    if (!answered && (now.jobs ?? 0) > (this.#kept.jobs ?? 0)) return true
    return isDeepStrictEqual(now, this.#kept)
  }
}

type Outcome = (connection: RawConnection, input: Buffer) => Promise<readonly RawAnswer[]>

const answered: Outcome = async (connection, input) => [
  await within(connection.answer(input.subarray(0, 5).toString() === 'HEAD ')),
]

const ended: Outcome = async (connection) => {
  connection.finish()
  return await until(() => connection.allIfClosed(), { within: PATIENCE })
}

async function within<T>(answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE)
  return await Promise.race([answer, promise]).finally(() => clearTimeout(timer))
}

/** Content-Length is that of the bytes as they are sent. */
function filled(input: Buffer, places: Readonly<Record<string, string>>): Buffer {
  const text = input
    .toString('latin1')
    .replaceAll(/\{(run|root)\}/g, (_, place: string) => places[place] ?? '')
  const length = text.length - text.indexOf('\r\n\r\n') - 4
  return Buffer.from(text.replace('{length}', String(length)), 'latin1')
}
