import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Candidate, FairShare, type FairShareLimits } from './fair-share.ts'

const KIB = 1024
const MIB = 1024 * KIB
const NOTHING_OUT = new Map<string, number>()

/** Work of a tenant that has no end, all of one size. */
function backlog(tenantId: string, bytes: number, count: number): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({ workId: `${tenantId}-${bytes}-${i}`, tenantId, bytes }))
}

/** Rounds in which each tenant has work of its size waiting, and what goes out is done before the next round. */
function serve(
  share: FairShare,
  sizes: Readonly<Record<string, number>>,
  rounds: number,
  limits: FairShareLimits,
) {
  const given = new Map<string, { tickets: number; bytes: number }>()
  const candidates = Object.entries(sizes).flatMap(([tenant, bytes]) =>
    backlog(tenant, bytes, limits.perTenant),
  )
  for (let round = 0; round < rounds; round++)
    for (const { tenantId, bytes } of share.choose(candidates, NOTHING_OUT, limits)) {
      const before = given.get(tenantId) ?? { tickets: 0, bytes: 0 }
      given.set(tenantId, { tickets: before.tickets + 1, bytes: before.bytes + bytes })
    }
  return (tenant: string) => given.get(tenant) ?? { tickets: 0, bytes: 0 }
}

const tenants = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const situations = fc.record({
  candidates: fc
    .array(fc.record({ tenantId: tenants, bytes: fc.integer({ min: 0, max: 64 * MIB }) }), { maxLength: 40 })
    .map((list) => list.map((one, i): Candidate => ({ ...one, workId: String(i) }))),
  held: fc.dictionary(tenants, fc.integer({ min: 1, max: 5 })).map((held) => new Map(Object.entries(held))),
  limits: fc.record({ window: fc.integer({ min: 1, max: 12 }), perTenant: fc.integer({ min: 1, max: 8 }) }),
})

test('what goes out keeps to the window, to the share of a tenant, and to the order of its work; no room is wasted', () => {
  fc.assert(
    fc.property(fc.array(situations, { maxLength: 8 }), (rounds) => {
      const share = new FairShare()
      for (const { candidates, held, limits } of rounds) {
        const chosen = share.choose(candidates, held, limits)
        const before = [...held.values()].reduce((sum, count) => sum + count, 0)
        expect(chosen.length).toBeLessThanOrEqual(Math.max(0, limits.window - before))
        const isFull = before + chosen.length >= limits.window
        for (const tenant of new Set(candidates.map((candidate) => candidate.tenantId))) {
          const mine = chosen.filter((candidate) => candidate.tenantId === tenant)
          const waiting = candidates.filter((candidate) => candidate.tenantId === tenant)
          const isCapped = (held.get(tenant) ?? 0) + mine.length >= limits.perTenant
          expect(mine).toEqual(waiting.slice(0, mine.length))
          if (mine.length > 0)
            expect((held.get(tenant) ?? 0) + mine.length).toBeLessThanOrEqual(limits.perTenant)
          if (mine.length < waiting.length) expect(isFull || isCapped).toBe(true)
        }
      }
    }),
  )
})

test('tenants that always have work get the same bytes, whatever the sizes of their files', () => {
  const sizes = fc.integer({ min: 1, max: 64 }).map((n) => n * 256 * KIB)
  fc.assert(
    fc.property(sizes, sizes, sizes, fc.integer({ min: 1, max: 6 }), (a, b, c, window) => {
      const given = serve(new FairShare(), { a, b, c }, 400, { window, perTenant: window })
      const cost = (tenant: string) => given(tenant).bytes + given(tenant).tickets * 256 * KIB
      const most = Math.max(a, b, c) + 256 * KIB
      expect(
        Math.max(cost('a'), cost('b'), cost('c')) - Math.min(cost('a'), cost('b'), cost('c')),
      ).toBeLessThanOrEqual(most)
    }),
  )
})

test('a newcomer is served before those who were there get their next but one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 64 * MIB }), (others, bytes) => {
      const share = new FairShare()
      const sizes = Object.fromEntries(Array.from({ length: others }, (_, i) => [`other ${i}`, 4 * MIB]))
      serve(share, sizes, 20, { window: 3, perTenant: 2 })
      const given = serve(share, { ...sizes, newcomer: bytes }, others + 1, { window: 1, perTenant: 1 })
      expect(given('newcomer').tickets).toBeGreaterThanOrEqual(1)
    }),
  )
})

test('idleness earns no credit', () => {
  const share = new FairShare()
  const limits = { window: 1, perTenant: 1 }
  serve(share, { idle: MIB, busy: MIB }, 10, limits)
  serve(share, { busy: MIB }, 1_000, limits)
  const given = serve(share, { idle: MIB, busy: MIB }, 100, limits)
  expect(given('idle').tickets).toBe(50)
})

test('who comes and goes, one large file at a time, gets no more bytes than who is always there', () => {
  const share = new FairShare()
  const limits = { window: 1, perTenant: 1 }
  const small = backlog('steady', MIB, 1)
  const large = backlog('bursts', 64 * MIB, 1)
  const bytes = { steady: 0, bursts: 0 }
  for (let round = 0; round < 2_000; round++) {
    const candidates = round % 2 === 0 ? [...small, ...large] : small
    for (const chosen of share.choose(candidates, NOTHING_OUT, limits))
      bytes[chosen.tenantId as 'steady' | 'bursts'] += chosen.bytes
  }
  expect(bytes.bursts).toBeLessThan(bytes.steady * 1.3 + 64 * MIB)
})

test('a terabyte that is tried again and again does not shut its tenant out', () => {
  const share = new FairShare()
  const limits = { window: 1, perTenant: 1 }
  for (let attempt = 0; attempt < 10; attempt++)
    share.choose(backlog('huge', 1024 * 1024 * MIB, 1), NOTHING_OUT, limits)
  const given = serve(share, { huge: KIB, a: MIB, b: MIB }, 600, limits)
  expect(given('huge').tickets).toBeGreaterThan(10)
})

test('a tenant whose terabyte is under way waits for its next until the others had theirs', () => {
  const share = new FairShare()
  const limits = { window: 4, perTenant: 3 }
  const huge = backlog('huge', 1024 * 1024 * MIB, 3)
  const others = backlog('other', MIB, 3)
  share.choose([...huge.slice(0, 1), ...others], NOTHING_OUT, { window: 2, perTenant: 1 })
  for (let round = 0; round < 100; round++) {
    const chosen = share.choose(
      [...huge, ...others],
      new Map([
        ['huge', 1],
        ['other', 2],
      ]),
      limits,
    )
    expect(chosen.map(({ tenantId }) => tenantId)).toEqual(['other'])
  }
})
