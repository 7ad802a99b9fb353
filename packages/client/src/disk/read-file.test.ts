import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { inMemory } from '../source.ts'
import { readFile } from './read-file.ts'
import { SETTLED_MS } from './settled.ts'

async function path(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lading-file-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'file')
}

test('a small file is read, and a large one waits until it is sent', async () => {
  const file = await path()
  await writeFile(file, Buffer.alloc(2_000_000, 1))
  expect(await readFile(file, 2_000_000)).toMatchObject({ size: 2_000_000 })
  await writeFile(file, 'small')
  expect(String(await readFile(file, 5))).toBe('small')
})

test.each([1_000_000, 3_000_000])(
  'a file of %i bytes that is written to all the time is not read as a mix of its versions',
  async (size) => {
    const file = await path()
    const versions = [Buffer.alloc(size, 'a'), Buffer.alloc(size, 'b')]
    await writeFile(file, versions[0] as Buffer)
    let reading = true
    let longest = 0
    const writing = (async () => {
      await using handle = await open(file, 'r+')
      for (let n = 1; reading; n++) {
        const begun = performance.now()
        await handle.write(versions[n % 2] as Buffer, 0, size, 0)
        longest = Math.max(longest, performance.now() - begun)
      }
    })()
    let mixed = 0
    for (let n = 0; n < 50; n++) {
      const read = await readFile(file, size)
        .then(inMemory)
        .catch((error: unknown) => error)
      if (read instanceof Uint8Array) mixed += new Set(read).size - 1
      else expect(read).toMatchObject({ code: 'file_changed' })
    }
    reading = false
    await writing
    // Of a single write that takes longer than that, no time of the file tells.
    if (longest < SETTLED_MS) expect(mixed).toBe(0)
  },
)
