import { expect, test } from 'vitest'
import { content, textContent } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

const MIB = 1024 * 1024

/** Around what is one request to S3, and around the size of its smallest parts. */
const SIZES = [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1]

export function testRoundTrips(given: Given): void {
  test('files of every size that matters come back as they were, by form and by PUT', async () => {
    const { client, bucketUri } = given()
    const { run_id: run, artifact_uri } = await client.createRun()
    expect(artifact_uri.startsWith(`${bucketUri}experiments/`)).toBe(true)
    const files = SIZES.map((size) => ({ name: `${size}.ckpt`, file: content(size) }))
    const byForm = await client.logArtifact(run, [...files, { field: 'artifact_path', value: 'form' }])
    expect(byForm.status).toBe(202)
    const byPut = await Promise.all(files.map(({ name, file }) => client.put(run, `put/${name}`, file)))
    for (const { body } of [byForm, ...byPut]) {
      expect(await client.waitJob(body.job_id)).toMatchObject({ state: 'completed' })
    }
    const listed = await client.list(run)
    expect(listed.size).toBe(2 * SIZES.length)
    for (const { name, file } of files) {
      for (const path of [`form/${name}`, `put/${name}`]) {
        const { size, sha256 } = file
        const uri = artifact_uri + path
        expect(listed.get(path)).toMatchObject({ size, sha256, type: 'checkpoint', uri, state: 'stored' })
        expect(await client.get(run, path)).toMatchObject({ status: 200, size, sha256 })
      }
    }
  })

  test('a file of 200 MiB comes back as it was', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const file = content(200 * MIB)
    const { body } = await client.logArtifact(run, [{ name: 'weights.safetensors', file }])
    expect(await client.waitJob(body.job_id)).toMatchObject({
      state: 'completed',
      bytes: { total: file.size, done: file.size },
    })
    const { size, sha256 } = file
    expect((await client.list(run)).get('weights.safetensors')).toMatchObject({ size, sha256, type: 'model' })
    expect(await client.get(run, 'weights.safetensors')).toMatchObject({ status: 200, size, sha256 })
  })

  test('a directory of many files is one request and one job', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const files = Array.from({ length: 300 }, (_, n) => ({
      name: `plots/epoch-${n % 10}/${n}.png`,
      file: content(n * 37, `many ${n}`),
    }))
    const { status, body } = await client.logArtifact(run, [
      { field: 'artifact_path', value: 'out/' },
      ...files,
    ])
    expect(status).toBe(202)
    expect(body.artifacts).toEqual(files.map(({ name }) => `out/${name}`))
    expect(await client.waitJob(body.job_id)).toMatchObject({
      state: 'completed',
      files: { total: 300, done: 300, stored: 300 },
    })
    const listed = await client.list(run)
    for (const { name, file } of files) {
      expect(listed.get(`out/${name}`)).toMatchObject({ size: file.size, sha256: file.sha256 })
    }
  })

  test('fields may come before the file, after it, or around it', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const file = textContent('{"epochs": 3}')
    const path = { field: 'artifact_path', value: 'conf' }
    const digest = { field: 'sha256', value: file.sha256 }
    for (const [name, form] of Object.entries({
      before: [path, digest, { name: 'before.json', file }],
      after: [{ name: 'after.json', file }, digest, path],
      around: [digest, { name: 'around.json', file }, path],
    })) {
      const { status, body } = await client.logArtifact(run, form, { prefer: 'wait=60' })
      expect({ status, ...body }).toMatchObject({
        status: 201,
        message: 'Artifact logged',
        artifact: `conf/${name}.json`,
        state: 'completed',
      })
    }
    expect([...(await client.list(run)).keys()]).toEqual([
      'conf/after.json',
      'conf/around.json',
      'conf/before.json',
    ])
  })

  test('bytes that are not those of their digest leave nothing behind', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const file = content(9 * MIB, 'sent')
    const wrong = { field: 'sha256', value: content(1).sha256 }
    const refused = await client.logArtifact(run, [{ name: 'model.pt', file }, wrong])
    expect({ status: refused.status, code: refused.body.code }).toEqual({
      status: 400,
      code: 'digest_mismatch',
    })
    expect((await client.jobs(`run_id=${run}`)).jobs).toEqual([])
    expect(await client.get(run, 'model.pt')).toMatchObject({ status: 404 })
  })
}
