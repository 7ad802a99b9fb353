import { expect, test } from 'vitest'
import { type Batch, batchesOf } from './batches.ts'
import type { FileToLog } from './options.ts'

const MIB = 1024 * 1024

function* filesOf(count: number, size: number): Generator<FileToLog> {
  for (let n = 0; n < count; n++) yield { path: `${n}`, bytes: Buffer.alloc(size, n) }
}

async function batched(files: Iterable<FileToLog>): Promise<Batch[]> {
  const all: Batch[] = []
  for await (const batch of batchesOf(files)) all.push(batch)
  return all
}

test('small files travel together, up to 1,000 or 4 MiB: memory is that of a few batches', async () => {
  const filesIn = (batches: Batch[]) => batches.map((batch) => 'small' in batch && batch.small.entries.length)
  expect(filesIn(await batched(filesOf(2500, 10)))).toEqual([1000, 1000, 500])
  const larger = await batched(filesOf(11, MIB - 1))
  expect(filesIn(larger)).toEqual([5, 5, 1])
  for (const batch of larger) if ('small' in batch) expect(batch.small.bytes.length).toBeLessThan(5.1 * MIB)
})

test('a tar has the bytes of its files, which lie nowhere else', async () => {
  const [batch] = await batched([
    { path: 'a', bytes: Buffer.from('one') },
    { path: 'ü/b', bytes: Buffer.alloc(512, 2) },
  ])
  if (batch === undefined || !('small' in batch)) throw new Error('small files are a batch')
  const { bytes, entries } = batch.small
  expect(entries.map((entry) => Buffer.from(entry.bytes))).toEqual([Buffer.from('one'), Buffer.alloc(512, 2)])
  for (const entry of entries) expect(entry.bytes.buffer).toBe(bytes.buffer)
  expect(bytes.length % 512).toBe(0)
})
