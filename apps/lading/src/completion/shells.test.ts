import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lading } from '../fixtures/lading-process.ts'

const LINES: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['lading do', ['doctor']],
  ['lading keys l', ['list']],
  ['lading keys list --te', ['--tenant']],
  ['lading completion ', ['bash', 'fish', 'zsh']],
  ['lading doctor po', ['ports', 'postgres']],
  ['lading doctor postgres re', ['redis']],
  ['lading jobs ', ['cancel', 'list', 'retry', 'show', 'watch']],
  ['lading jobs list --state c', ['cancelled', 'completed']],
  ['lading runs finish --status K', ['KILLED']],
  ['lading upload my', ['my model.pkl']],
  ['lading get models/ my', []],
  ['lading nothing', []],
]

/** By `$SHELL`: how it is asked, in `fixtures`. */
const SHELLS = {
  bash: { args: ['--norc'], ask: 'offered.bash' },
  zsh: { args: ['-f'], ask: 'offered.zsh' },
  fish: { args: ['--no-config'], ask: 'offered.fish' },
} as const

describe.each(Object.entries(SHELLS))('%s', (shell, { args, ask }) => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lading-completion-'))
    await writeFile(join(folder, 'script'), (await lading(['completion', shell]).ended).out)
    await writeFile(join(folder, 'my model.pkl'), '')
  })

  afterAll(() => rm(folder, { recursive: true }))

  test.each(LINES)('completes %j', async (line, words) => {
    const asking = join(import.meta.dirname, '..', 'fixtures', ask)
    const { stdout } = await promisify(execFile)(shell, [...args, asking, './script', line], { cwd: folder })
    expect(
      stdout
        .split('\n')
        .filter((word) => word !== '')
        .sort(),
    ).toEqual(words)
  })
})
