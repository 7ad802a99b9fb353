import { MAX_LISTED_ARTIFACTS } from '@lading/protocol'
import type { Arrived } from './arrivals.ts'
import { Fingerprint } from './fingerprint.ts'
import type { PlacedFile } from './lane.ts'

/** What of a request's files is needed after they are accepted, whatever their number. */
export interface Contents {
  readonly files: number
  readonly bytes: number
  /** Paths of the first of them; a directory's ends in a slash. */
  readonly listed: readonly string[]
  readonly fingerprint: string
}

/** Looks once through all that arrived, page by page; `check` may refuse any of it. */
export async function lookThrough(
  arrived: Arrived,
  check: (page: readonly PlacedFile[]) => void,
): Promise<Contents> {
  const fingerprint = new Fingerprint()
  const listed: string[] = []
  for await (const page of arrived.pages()) {
    check(page)
    fingerprint.add(page)
    for (const file of page.slice(0, MAX_LISTED_ARTIFACTS - listed.length)) listed.push(pathOf(file))
  }
  return { files: arrived.files, bytes: arrived.bytes, listed, fingerprint: fingerprint.finish() }
}

/** A directory's ends in a slash. */
function pathOf({ path, type }: PlacedFile): string {
  return type === 'directory' ? `${path}/` : path
}
