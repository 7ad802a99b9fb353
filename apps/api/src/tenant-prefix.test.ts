import { parseArtifactLocation } from '@lading/core'
import { expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'

const S3 = { scheme: 's3' } as const

test('with the tenant in the prefix, what tenants log lies in folders of their names, one beside the other', async () => {
  await using server = await ApiUnderTest.start({ tenantPrefix: true })
  const uris: string[] = []
  for (const tenant of ['acme', 'acme-corp', 'experiments']) {
    const { path } = await server.run(tenant)
    const headers = { 'x-tenant-id': tenant }
    await server.json(`${path}/artifacts/models/model.pkl`, { method: 'PUT', headers, body: tenant })
    await server.deliver()
    const { artifact_uri } = await server.json(path, { headers })
    expect(artifact_uri).toMatch(new RegExp(`/artifacts/${tenant}/experiments/[^/]+/runs/[^/]+/artifacts/$`))
    expect(await (await server.fetch(`${path}/artifacts/models/model.pkl`, { headers })).text()).toBe(tenant)
    uris.push(String(artifact_uri))
  }
  for (const uri of uris) expect(uris.filter((other) => other.startsWith(uri))).toEqual([uri])
})

test('with the tenant in the prefix, of a root for all a tenant has the folder of its name, and no other', async () => {
  await using server = await ApiUnderTest.start({
    tenantPrefix: true,
    config: {
      locations: {
        scheme: S3,
        roots: [{ tenant: undefined, location: parseArtifactLocation('s3://everyone/ml/', S3) }],
        tenantPrefix: true,
      },
    },
  })
  const create = async (place: string) => {
    const body = JSON.stringify({ name: place, artifact_location: place })
    const headers = { 'content-type': 'application/json', 'x-tenant-id': 'acme' }
    return (await server.fetch('/api/v1/experiments', { method: 'POST', headers, body })).status
  }
  expect(await create('s3://everyone/ml/acme/')).toBe(201)
  expect(await create('s3://everyone/ml/acme/vision/')).toBe(201)
  for (const place of ['s3://everyone/ml/', 's3://everyone/ml/globex/', 's3://everyone/ml/acme-corp/'])
    expect(await create(place), place).toBe(403)
})
