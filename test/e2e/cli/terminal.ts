import { expect, test } from 'vitest'
import { newUser } from './user.ts'

/** What moves the cursor, or clears a line. */
const CONTROL = '\x1b['

export function terminal(url: () => string): void {
  test('on a terminal one line shows files, bytes and how much of them is there, and is cleared at the end', async () => {
    await using user = await newUser(url())
    await user.write({ 'a.bin': 'x'.repeat(1024), 'b.bin': 'x'.repeat(1024) })
    const command = 'stty cols 120; lading upload a.bin b.bin --wait'
    const { code, out } = await user.bash(`export -f lading; script -qec '${command}' /dev/null`)
    expect(code).toBe(0)
    expect(out).toContain(`\r${CONTROL}Ksending [....................]  0/2 files  0%  0 bytes of 2.0 KiB`)
    expect(out).toContain('sending [####################]  2/2 files  100%  2.0 KiB of 2.0 KiB')
    expect(out).toContain('delivering [')
    expect(out).toContain(`\r${CONTROL}KDelivered 2 files, 2.0 KiB: job `)
  })

  test('in a pipe lines are plain, and with LADING_PROGRESS=off a terminal shows none', async () => {
    await using user = await newUser(url())
    await user.write({ 'a.bin': 'x' })
    const { out, err } = await user.lading('upload', 'a.bin', '--wait')
    expect(out + err).not.toContain(CONTROL)
    const off = 'LADING_PROGRESS=off lading upload a.bin'
    const quiet = await user.bash(`export -f lading; script -qec '${off}' /dev/null`)
    expect(quiet.out).not.toContain(CONTROL)
  })
}
