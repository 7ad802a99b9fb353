import type { Acceptance, ApiCatalog, Arrival, ArrivedSum } from '@lading/catalog'
import { type ArtifactDirectory, joinArtifactPath, type TenantId } from '@lading/core'
import type { PlacedFile } from './lane.ts'
import { clash, settlePaths } from './settle-paths.ts'

/** Files of one request that are held in memory, and of which those that go aside go at once. */
const PAGE = 2_000

/** What a request brought, settled. */
export interface Arrived extends ArrivedSum {
  /** As accepting takes them. */
  readonly source: Acceptance['files']
  /** By path (bytewise), unless one page has them all. */
  pages(): AsyncIterable<readonly PlacedFile[]>
}

/**
 * Gathers the files of one request while they arrive. Up to a page of them is held; of more, each page that is full goes
 * aside into the catalog, so that memory does not grow with their number. Disposing of it forgets what went aside.
 */
export class Arrivals implements AsyncDisposable {
  readonly #uploads: Pick<ApiCatalog['uploads'], 'arrive'>
  readonly #tenant: TenantId
  readonly #pageSize: number
  #page: PlacedFile[] = []
  #arrival: Promise<Arrival> | undefined
  #adding: Promise<void> = Promise.resolve()
  #count = 0

  constructor(uploads: Pick<ApiCatalog['uploads'], 'arrive'>, tenant: TenantId, pageSize = PAGE) {
    this.#uploads = uploads
    this.#tenant = tenant
    this.#pageSize = pageSize
  }

  /** Of all that came so far, directories included. */
  get count(): number {
    return this.#count
  }

  /** The file that came last; undefined before the first. */
  get last(): PlacedFile | undefined {
    return this.#page.at(-1)
  }

  /** What it gives is to be waited for before much more is added: one page is on its way while the next fills. */
  add(file: PlacedFile): Promise<void> | undefined {
    this.#count++
    if (this.#page.length < this.#pageSize) {
      this.#page.push(file)
      return undefined
    }
    const before = this.#adding
    this.#setAside([file])
    return before
  }

  /** Puts all that came below the directory. Fails with `path_invalid`. */
  async placeBelow(directory: ArtifactDirectory): Promise<void> {
    const arrival = await this.#whole()
    if (arrival === undefined) {
      this.#page = this.#page.map((file) => ({ ...file, path: joinArtifactPath(directory, file.path) }))
      return
    }
    if (directory === '') return
    for await (const page of arrival.pages()) for (const { path } of page) joinArtifactPath(directory, path)
    await arrival.moveBelow(directory)
  }

  /** All that came so far. */
  async *pages(): AsyncGenerator<readonly PlacedFile[]> {
    const arrival = await this.#whole()
    if (arrival === undefined) yield this.#page
    else yield* arrival.pages()
  }

  /** Fails with `path_duplicate`, `path_conflict`. Once; nothing is added after it. */
  async settle(): Promise<Arrived> {
    const arrival = await this.#whole()
    if (arrival === undefined) return held(settlePaths(this.#page))
    const settled = await arrival.settle()
    if ('kind' in settled) throw clash(settled)
    const { arrivalId } = arrival
    return { ...settled, source: { arrivalId, ...settled }, pages: () => arrival.pages() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#adding.catch(() => undefined)
    await (await this.#arrival?.catch(() => undefined))?.[Symbol.asyncDispose]()
  }

  /** The arrival with all that came in it; undefined: all is held. */
  async #whole(): Promise<Arrival | undefined> {
    if (this.#arrival === undefined) return undefined
    if (this.#page.length > 0) this.#setAside([])
    await this.#adding
    return await this.#arrival
  }

  #setAside(next: PlacedFile[]): void {
    const page = this.#page
    this.#page = next
    this.#arrival ??= this.#uploads.arrive(this.#tenant)
    const arrival = this.#arrival
    this.#adding = this.#adding.then(async () => (await arrival).add(page))
    // Whoever waits for it learns of a failure; should the body be refused before, it must not end the process.
    this.#adding.catch(() => undefined)
  }
}

function held(files: readonly PlacedFile[]): Arrived {
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    source: files,
    async *pages() {
      yield files
    },
  }
}
