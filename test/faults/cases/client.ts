import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { content } from '../../support/system-content.ts'
import type { FaultCase, Scene } from '../fault-case.ts'
import { PART_HEAD, type RawUpload, rawForm, rawPut, sendSome } from '../raw-upload.ts'

const MIB = 1024 * 1024
const NOTHING = 'nothing of it is left; others do not notice'

function broken(
  name: string,
  fault: string,
  upload: (scene: Scene) => { readonly upload: RawUpload; readonly bytes: number },
): FaultCase {
  return {
    name,
    fault,
    expected: NOTHING,
    async inject(scene) {
      const { upload: raw, bytes } = upload(scene)
      const socket = await sendSome(scene, raw, bytes)
      // Time for the server to take in what was sent: that it has is not seen from outside.
      await delay(300)
      socket.resetAndDestroy()
      await until(async () => (await jobsOf(scene)) === 0, WITHIN)
    },
  }
}

const FILE = content(3 * MIB, 'broken off')

export const CLIENT_CASES: readonly FaultCase[] = [
  broken('client-resets-in-the-headers', 'the client resets in the middle of the headers', (scene) => {
    const upload = rawForm(scene, FILE)
    return { upload, bytes: upload.head.length / 2 }
  }),
  broken('client-resets-in-a-part-header', "the client resets in the middle of a part's header", (scene) => {
    const upload = rawForm(scene, FILE)
    return { upload, bytes: upload.head.length + PART_HEAD.length / 2 }
  }),
  broken('client-resets-mid-file', 'the client resets in the middle of a file', (scene) => {
    return { upload: rawPut(scene, 'broken.bin', FILE, randomUUID()), bytes: 2 * MIB }
  }),
  broken('client-resets-before-the-terminator', 'the client resets before the last boundary', (scene) => {
    return { upload: rawForm(scene, FILE), bytes: Infinity }
  }),
  {
    name: 'client-stalls',
    fault: 'a client sends one byte a second',
    expected: '408 within the window of the rate, and nothing of it is left',
    async inject(scene) {
      const upload = rawPut(scene, 'slow.bin', FILE, randomUUID())
      const socket = await sendSome(scene, upload, upload.head.length + 1)
      let answer = ''
      socket.on('data', (chunk) => {
        answer += chunk
      })
      const drip = setInterval(() => socket.write('x'), 1000)
      await until(() => answer !== '' || socket.destroyed, WITHIN)
      clearInterval(drip)
      socket.destroy()
      if (!answer.startsWith('HTTP/1.1 408')) throw new Error(`a client that stalls was told: ${answer}`)
    },
  },
  {
    name: 'client-hears-no-reply',
    fault: 'the reply is lost; the same request comes again with its Idempotency-Key',
    expected: 'one job, one artifact; the second answer names the first job',
    async inject(scene) {
      const { system, ledger, run } = scene
      const [key, file] = [randomUUID(), content(MIB, 'no reply')]
      const socket = await sendSome(scene, rawPut(scene, 'reply.bin', file, key))
      socket.pause()
      await until(async () => (await jobsOf(scene)) === 1, WITHIN)
      socket.resetAndDestroy()
      await ledger.put(system.client, run, 'reply.bin', file, { key })
      if ((await jobsOf(scene)) !== 1) ledger.duplicated.push('a lost reply and its repetition')
    },
  },
]

async function jobsOf({ system, run }: Scene): Promise<number> {
  return (await system.client.jobs(`run_id=${run}`)).jobs.length
}
