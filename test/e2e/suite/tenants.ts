import { expect, test } from 'vitest'
import { content } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

export function testTenants(given: Given): void {
  test('what belongs to another tenant is as if it were not there', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const { body } = await client.put(run, 'secret.pkl', content(100), { prefer: 'wait=60' })
    const other = client.as('other-corp')
    const missing = { status: 404, body: { code: 'run_not_found' } }
    const runUrl = `/api/v1/experiments/runs/${run}`
    expect(await other.call('GET', runUrl)).toMatchObject(missing)
    expect(await other.call('PATCH', runUrl, { status: 'FAILED' })).toMatchObject(missing)
    expect(await other.call('GET', `${runUrl}/artifacts`)).toMatchObject(missing)
    expect(await other.get(run, 'secret.pkl')).toMatchObject({ status: 404 })
    expect(await other.delete(run, 'secret.pkl')).toMatchObject(missing)
    expect(await other.put(run, 'secret.pkl', content(5))).toMatchObject(missing)
    expect(await other.logArtifact(run, [{ name: 'secret.pkl', file: content(5) }])).toMatchObject(missing)
    const noJob = { status: 404, body: { code: 'job_not_found' } }
    for (const path of ['', '/files', '/events'])
      expect(await other.call('GET', `/api/v1/jobs/${body.job_id}${path}`)).toMatchObject(noJob)
    expect(await other.cancel(body.job_id)).toMatchObject(noJob)
    expect(await other.retry(body.job_id)).toMatchObject(noJob)
    expect((await other.jobs(`ids=${body.job_id}`)).jobs).toEqual([])
    expect((await other.jobs(`run_id=${run}`)).jobs).toEqual([])
    expect(await client.get(run, 'secret.pkl')).toMatchObject({ status: 200, sha256: content(100).sha256 })
  })

  test('an experiment may set its location inside the roots of its tenant, and nowhere else', async () => {
    const { client, bucketUri } = given()
    const { run_id: run, artifact_uri } = await client.createRun(`${bucketUri}team/vision/`)
    expect(artifact_uri.startsWith(`${bucketUri}team/vision/`)).toBe(true)
    const file = content(10_000, 'located')
    await client.put(run, 'model.onnx', file, { prefer: 'wait=60' })
    const uri = `${artifact_uri}model.onnx`
    expect((await client.list(run)).get('model.onnx')).toMatchObject({ uri, type: 'onnx' })
    expect(await given().store.digest(uri.slice(bucketUri.length))).toEqual({
      size: file.size,
      sha256: file.sha256,
    })

    const create = async (tenant: string, location: string) => {
      const name = `${tenant} ${location}`
      const body = { name, artifact_location: location }
      const answer = await client.as(tenant).call<{ name: string }>('POST', '/api/v1/experiments', body)
      return [answer.status, answer.body.code]
    }
    const forbidden = [403, 'location_forbidden']
    expect(await create('acme-corp', `${bucketUri}experiments/`)).toEqual(forbidden)
    expect(await create('acme-corp', `${bucketUri}teams/`)).toEqual(forbidden)
    expect(await create('other-corp', `${bucketUri}team/vision/`)).toEqual(forbidden)
    const invalid = [400, 'location_invalid']
    expect(await create('acme-corp', `${bucketUri}team/../experiments/`)).toEqual(invalid)
    expect(await create('acme-corp', `${bucketUri}team/%2e%2e/`)).toEqual(invalid)
    expect(await create('acme-corp', 'https://example.com/team/')).toEqual(invalid)
  })
}
