import type { System } from '../support/system.ts'
import { AuditFailure, type Harm } from '../support/system-audit.ts'
import type { Ledger, Receipt } from './ledger.ts'

/** What became of all that was accepted. */
export interface Verdict {
  readonly accepted: number
  /** In the catalog and in the store, or rightly replaced by a newer one, or failed by the reason that was expected. */
  readonly delivered: number
  readonly lost: number
  readonly duplicated: number
  readonly orphaned: number
  /** Sentences, one for each thing that is not as it should be. */
  readonly faults: readonly string[]
}

/** Compares the clients' own record with the API's answers, and has the whole system audited from outside. */
export async function judge(system: System, ledger: Ledger): Promise<Verdict> {
  const faults: string[] = []
  const counts = { lost: 0, duplicated: ledger.duplicated.length, orphaned: 0 }
  const note = (harm: Harm, count: number, fault: string) => {
    counts[harm] += count
    faults.push(fault)
  }
  for (const jobs of ledger.duplicated) faults.push(`one idempotency key has the jobs ${jobs}`)
  await audited(system, note)
  const runs = new Map<string, Promise<Map<string, { sha256: string }>>>()
  const shown = (receipt: Pick<Receipt, 'client' | 'runId'>) => {
    const list = runs.get(receipt.runId) ?? receipt.client.list(receipt.runId)
    runs.set(receipt.runId, list)
    return list
  }
  const sent = ledger.sent()
  let delivered = 0
  for (const receipt of ledger.receipts) {
    const problems = await problemsOf(receipt, await shown(receipt), sent)
    delivered += receipt.files.length - problems.length
    for (const problem of problems) note('lost', 1, problem)
  }
  for (const refused of ledger.refused) {
    if (refused.mayBe === undefined || !refused.code.startsWith(refused.mayBe))
      faults.push(`${refused.path} was refused: ${refused.code}`)
    const accepted = ledger.receipts.some(
      ({ runId, files }) => runId === refused.runId && files.some(({ path }) => path === refused.path),
    )
    if (!accepted && (await shown(refused)).has(refused.path))
      note('orphaned', 1, `${refused.path} was refused, and is there`)
  }
  return { accepted: ledger.accepted, delivered, ...counts, faults }
}

async function audited(
  system: System,
  note: (harm: Harm, count: number, fault: string) => void,
): Promise<void> {
  try {
    await system.audit()
  } catch (error) {
    if (!(error instanceof AuditFailure)) throw error
    note(error.harm, error.count, error.message)
  }
}

/** A sentence for each file of the receipt that is not what it should be. */
async function problemsOf(
  { client, runId, jobId, files, mustFail }: Receipt,
  shown: ReadonlyMap<string, { readonly sha256: string }>,
  sent: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<string[]> {
  const states = new Map((await client.jobFiles(jobId)).map((file) => [file.path, file]))
  const directories = await emptyDirectories(client, runId, files)
  return files.flatMap(({ path }) => {
    const file = states.get(path)
    const what = `${path} of job ${jobId}`
    if (file === undefined) return [`${what} is not known any more`]
    if (mustFail !== undefined) {
      const code = file.error?.code
      return code === mustFail
        ? []
        : [`${what} should have failed with ${mustFail}, and is ${file.state} ${code ?? ''}`]
    }
    if (file.state === 'superseded' && shown.has(path)) return []
    if (file.state !== 'stored') return [`${what} is ${file.state}: ${file.error?.detail ?? ''}`]
    if (path.endsWith('/')) return directories.has(path) ? [] : [`${what} is not shown`]
    const there = shown.get(path)?.sha256
    return sent.get(`${runId}/${path}`)?.has(there ?? '')
      ? []
      : [`${what} is shown with the SHA-256 ${there}, which nobody sent`]
  })
}

/** Of the files that are empty directories, those that a list of their parent shows. */
async function emptyDirectories(
  client: Receipt['client'],
  runId: string,
  files: Receipt['files'],
): Promise<Set<string>> {
  const found = new Set<string>()
  for (const { path } of files.filter(({ path }) => path.endsWith('/'))) {
    const parent = path.split('/').slice(0, -2).join('/')
    const { artifacts } = await client.listPage(runId, `path=${encodeURIComponent(parent)}`)
    if (artifacts.some((entry) => entry.is_dir && entry.path === path.slice(0, -1))) found.add(path)
  }
  return found
}
