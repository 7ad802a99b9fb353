import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shell } from '../shell.ts'
import type { Given } from '../suite.ts'

export function testFirstSteps(given: Given): void {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lading-curl-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('the curl of the README logs a model, and everything about it can be asked for', async () => {
    const { client, apis, bucketUri } = given()
    const bytes = Buffer.from('a model')
    await writeFile(join(folder, 'model.pkl'), bytes)
    const { run_id: RUN, artifact_uri } = await client.createRun()
    const variables = { RUN, LADING: apis[0]?.url ?? '' }
    const sh = (command: string) => shell(command, folder, variables)

    const receipt = JSON.parse(
      await sh(`curl -F file=@model.pkl -F artifact_path=models/ -H 'X-Tenant-ID: acme-corp' \\
                     $LADING/api/v1/experiments/runs/$RUN/log-artifact`),
    )
    expect(receipt).toMatchObject({ message: 'Artifact accepted', run_id: RUN, artifact: 'models/model.pkl' })
    expect(receipt.status_url).toBe(`/api/v1/jobs/${receipt.job_id}`)

    const job = await sh(`curl -H 'X-Tenant-ID: acme-corp' "$LADING${receipt.status_url}?wait=60"`)
    expect(JSON.parse(job)).toMatchObject({ state: 'completed', files: { total: 1, stored: 1 } })

    const listing = await sh(
      `curl -H 'X-Tenant-ID: acme-corp' "$LADING/api/v1/experiments/runs/$RUN/artifacts?recursive=true"`,
    )
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const uri = `${artifact_uri}models/model.pkl`
    expect(uri.startsWith(bucketUri)).toBe(true)
    expect(JSON.parse(listing).artifacts).toMatchObject([
      { path: 'models/model.pkl', is_dir: false, type: 'model', size: 7, sha256, uri },
    ])

    await sh(`curl -H 'X-Tenant-ID: acme-corp' -o back.pkl \\
                   $LADING/api/v1/experiments/runs/$RUN/artifacts/models/model.pkl`)
    expect(await readFile(join(folder, 'back.pkl'))).toEqual(bytes)
  })

  test('curl -T uploads a file as the body of a PUT', async () => {
    const { client, apis } = given()
    await writeFile(join(folder, 'notes.txt'), 'learning rate 0.1')
    const { run_id: RUN } = await client.createRun()
    const receipt = await shell(
      `curl -T notes.txt -H 'Prefer: wait=60' -H 'X-Tenant-ID: acme-corp' \\
            $LADING/api/v1/experiments/runs/$RUN/artifacts/reports/`,
      folder,
      { RUN, LADING: apis[0]?.url ?? '' },
    )
    expect(JSON.parse(receipt)).toMatchObject({
      message: 'Artifact logged',
      artifact: 'reports/notes.txt',
      state: 'completed',
    })
  })
}
