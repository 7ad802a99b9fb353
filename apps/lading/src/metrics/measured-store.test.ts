import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { crc32Of, type ObjectFacts, type ObjectStore, type Sha256Hex } from '@lading/core'
import { openDirectoryStore } from '@lading/store-directory'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { measured } from './measured-store.ts'

const BODY = Buffer.from('weights')
const REF = { bucket: 'artifacts', key: 'models/model.pkl' }
const FACTS: ObjectFacts = {
  size: BODY.length,
  sha256: createHash('sha256').update(BODY).digest('hex') as Sha256Hex,
  crc32: crc32Of(BODY),
  contentType: 'application/octet-stream',
}
const signal = new AbortController().signal

let root: string
let registry: Registry
let store: ObjectStore

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-measured-'))
  registry = new Registry()
  store = measured(openDirectoryStore(root), registry)
})

afterEach(async () => {
  await store.close()
  await rm(root, { recursive: true })
})

test('a measured store does what the store does', async () => {
  await store.put(REF, BODY, FACTS, { precondition: { kind: 'absent' }, signal })
  const { body } = await store.get(REF, { signal })
  expect(await buffer(body)).toEqual(BODY)
  for await (const { key } of store.list(REF.bucket, '', signal)) expect(key).toBe(REF.key)
  expect(store.uri(REF)).toMatch(/^file:.*\/artifacts\/models\/model\.pkl$/)
})

test('operations are counted by how they ended, and timed', async () => {
  await store.put(REF, BODY, FACTS, { precondition: { kind: 'absent' }, signal })
  await expect(store.get({ ...REF, key: 'none' }, { signal })).rejects.toThrow(/store_object_missing/)
  const text = await registry.metrics()
  expect(text).toContain('lading_store_operations_total{operation="put",status="ok"} 1')
  expect(text).toContain('lading_store_operations_total{operation="get",status="store_object_missing"} 1')
  expect(text).toContain('lading_store_operation_seconds_count{operation="put"} 1')
})

test('an operation that its caller broke off is no fault of the store', async () => {
  const aborted = AbortSignal.abort(new Error('enough'))
  await expect(
    store.put(REF, BODY, FACTS, { precondition: { kind: 'none' }, signal: aborted }),
  ).rejects.toThrow('enough')
  expect(await registry.metrics()).toContain(
    'lading_store_operations_total{operation="put",status="aborted"} 1',
  )
})
