import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { lading } from '../fixtures/lading-process.ts'

test.each([
  ['lading do', ['doctor']],
  ['lading keys ', ['create', 'list', 'revoke']],
  ['lading keys list --te', ['--tenant']],
  ['lading completion ', ['bash', 'zsh', 'fish']],
  ['lading doctor po', ['postgres', 'ports']],
  ['lading doctor postgres re', ['redis']],
  ['lading jobs ', ['list', 'show', 'watch', 'cancel', 'retry']],
  ['lading jobs list --state c', ['completed', 'cancelled']],
  ['lading runs finish --status K', ['KILLED']],
  ['lading upload my', ['my model.pkl']],
  ['lading get models/ my', []],
  ['lading nothing', []],
])('bash completes %j', async (line, words) => {
  expect(await completed(line)).toEqual(words)
})

/** What a bash that has sourced the script offers for the last word of the line. */
async function completed(line: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lading-completion-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const script = join(folder, 'lading.bash')
  const { out } = await lading(['completion', 'bash']).ended
  await writeFile(script, out)
  await writeFile(join(folder, 'my model.pkl'), '')
  const ask = join(import.meta.dirname, '..', 'fixtures', 'offered.bash')
  const { stdout } = await promisify(execFile)('bash', [ask, script, ...line.split(' ')], { cwd: folder })
  return stdout
    .trim()
    .split('/')
    .filter((word) => word !== '')
}
