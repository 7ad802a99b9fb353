import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { pass } from '../../support/system-s3-proxy.ts'
import type { FaultCase } from '../fault-case.ts'
import { inTheMiddle } from '../in-the-middle.ts'
import {
  doneAndDenied,
  errorIn200,
  fails,
  type Lie,
  lieTo,
  reset,
  shortObject,
  silence,
  wrongEtag,
} from '../s3-lies.ts'

const AWAY_MS = 8_000
const TRIED_AGAIN = 'the file is tried again, and proven'
const COMPLETE = 'CompleteMultipartUpload'

interface Told {
  readonly name: string
  readonly fault: string
  readonly operation: string
  readonly lie: Lie
  readonly times: number
}

function told({ name, fault, operation, lie, times }: Told): FaultCase {
  return {
    name,
    fault,
    expected: TRIED_AGAIN,
    env: { S3_REQUEST_TIMEOUT: '2s' },
    inject: ({ servers }) => lieTo(servers, { operation, lie, times }),
  }
}

const LIES: readonly Told[] = [
  {
    name: 's3-500-on-complete',
    fault: '500 on complete, which was not done',
    operation: COMPLETE,
    lie: fails(500, 'InternalError'),
    times: 4,
  },
  {
    name: 's3-500-on-complete-that-was-done',
    fault: '500 on complete, which was done',
    operation: COMPLETE,
    lie: doneAndDenied,
    times: 1,
  },
  {
    name: 's3-error-in-200-on-complete',
    fault: '200 with an error in its body on complete',
    operation: COMPLETE,
    lie: errorIn200,
    times: 2,
  },
  {
    name: 's3-reset-mid-part',
    fault: 'the connection is reset in the middle of a part',
    operation: 'UploadPart',
    lie: reset,
    times: 4,
  },
  {
    name: 's3-black-hole',
    fault: 'requests are taken, and never answered',
    operation: 'PutObject',
    lie: silence,
    times: 5,
  },
  {
    name: 's3-wrong-etag',
    fault: 'the answer to a Put has a wrong ETag',
    operation: 'PutObject',
    lie: wrongEtag,
    times: 5,
  },
  {
    name: 's3-short-object',
    fault: 'a Put is answered with success, and a shorter object is kept',
    operation: 'PutObject',
    lie: shortObject,
    times: 3,
  },
  {
    name: 's3-no-such-upload',
    fault: 'NoSuchUpload for an upload in parts',
    operation: 'UploadPart',
    lie: fails(404, 'NoSuchUpload'),
    times: 1,
  },
]

export const S3_CASES: readonly FaultCase[] = [
  {
    name: 's3-slow-down',
    fault: '503 SlowDown for every request, for a while',
    expected: TRIED_AGAIN,
    async inject({ servers, ledger }) {
      servers.s3Proxy.rule = () => 503
      await until(() => ledger.accepted >= 20, WITHIN)
      await delay(AWAY_MS)
      servers.s3Proxy.rule = pass
    },
  },
  ...LIES.map(told),
  refused('s3-access-denied', 'AccessDenied for a while', fails(403, 'AccessDenied'), 'store_access_denied'),
  refused('s3-no-bucket', 'NoSuchBucket for a while', fails(404, 'NoSuchBucket'), 'store_bucket_missing'),
  {
    name: 's3-away',
    fault: 'S3 is killed, and away for a while (an hour, by the default delays)',
    expected: 'uploads are accepted all the while, and delivered when it is back',
    async inject(scene) {
      using _ = await inTheMiddle(scene)
      await scene.servers.s3.kill()
      await delay(AWAY_MS)
      await scene.servers.s3.start()
    },
  },
]

/** What a person must mend first: it fails at once, and a retry of the job delivers it. */
function refused(name: string, fault: string, lie: Lie, code: string): FaultCase {
  return {
    name,
    fault,
    expected: `files fail at once with \`${code}\`; when it is mended, a retry of their jobs delivers them`,
    async inject({ servers, ledger, loaded }) {
      await lieTo(servers, { operation: 'PutObject', lie, times: 6 })
      await loaded
      for (const { client, jobId } of ledger.receipts) {
        const { state, error } = await client.waitJob(jobId)
        if (state === 'completed') continue
        if (error?.code !== code) throw new Error(`job ${jobId} failed with ${error?.code}: ${error?.detail}`)
        await client.retry(jobId)
      }
    },
  }
}
