import { describe, expect, test } from 'vitest'
import { Reservation } from './reservation.ts'
import { SpaceLedger } from './space-ledger.ts'

const FULL = { code: 'spool_full' }

/** A disk of which the test says what is free. */
function disk(free: number, lowWater: number) {
  const state = { free, looks: 0 }
  const ledger = new SpaceLedger(async () => {
    state.looks += 1
    return state.free
  }, lowWater)
  return { state, ledger }
}

describe('the space of a spool', () => {
  test('is promised only once, also to requests that come together', async () => {
    const { ledger } = disk(1000, 100)
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => Reservation.make(ledger, 250)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(await ledger.snapshot()).toEqual({ available: 150, free: 1000, reserved: 750 })
  })

  test('may be used to the byte above the low-water mark, and no further', async () => {
    const { ledger } = disk(1000, 100)
    await expect(Reservation.make(ledger, 901)).rejects.toMatchObject(FULL)
    await Reservation.make(ledger, 900)
    await expect(Reservation.make(ledger, 1)).rejects.toMatchObject(FULL)
  })

  test('that was freed a moment ago counts: a refusal looks again first', async () => {
    const { ledger, state } = disk(1000, 0)
    await expect(Reservation.make(ledger, 5000)).rejects.toMatchObject(FULL)
    state.free = 6000
    await Reservation.make(ledger, 5000)
  })

  test('is not looked at for every request', async () => {
    const { ledger, state } = disk(1_000_000, 0)
    await Promise.all(Array.from({ length: 100 }, () => Reservation.make(ledger, 10)))
    expect(state.looks).toBe(1)
  })

  test('counts what was written since the last look', async () => {
    const { ledger, state } = disk(1000, 0)
    const pack = await Reservation.make(ledger, 600)
    pack.spend(600)
    state.free = 400
    expect(await ledger.snapshot()).toEqual({ available: 400, free: 400, reserved: 0 })
    await expect(Reservation.make(ledger, 500)).rejects.toMatchObject(FULL)
  })
})

describe('a reservation', () => {
  test('covers what was expected without asking again, whatever others took meanwhile', async () => {
    const { ledger, state } = disk(1000, 100)
    const pack = await Reservation.make(ledger, 500)
    state.free = 0
    await pack.claim(500)
    pack.spend(500)
    await expect(pack.claim(500)).rejects.toMatchObject(FULL)
  })

  test('of unknown length ends at the low-water mark as it grows', async () => {
    const { ledger, state } = disk(1000, 100)
    const pack = await Reservation.make(ledger, 0)
    for (let n = 0; n < 9; n++) {
      await pack.claim(100)
      state.free -= 100
      pack.spend(100)
    }
    await expect(pack.claim(100)).rejects.toMatchObject(FULL)
    pack.release()
    expect(await ledger.snapshot()).toMatchObject({ reserved: 0, free: 100 })
  })

  test('is given back once, however often it is released', async () => {
    const { ledger } = disk(1000, 0)
    const pack = await Reservation.make(ledger, 500)
    await Reservation.make(ledger, 100)
    pack.release()
    pack.release()
    expect(await ledger.snapshot()).toMatchObject({ reserved: 100 })
  })
})
