import { expect, test } from 'vitest'
import { parseTenantId } from './tenant.ts'

test.each(['acme-corp', 'a', 'A.b_c-9', '0', 'x'.repeat(64)])('%s is a tenant id', (raw) => {
  expect(parseTenantId(raw)).toBe(raw)
})

test.each(['', '.', '..', '-a', '_a', 'a/b', 'a b', 'a\n', 'a\0', 'acme,corp', 'é', 'x'.repeat(65)])(
  '%j is no tenant id',
  (raw) => {
    expect(() => parseTenantId(raw)).toThrow(expect.objectContaining({ code: 'tenant_invalid' }))
  },
)
