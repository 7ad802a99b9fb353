import type { ResumableUpload } from '@lading/catalog'
import type { Response } from 'express'
import { exchangeOf } from '../exchange.ts'
import { jobUrl } from '../job-body.ts'

export function uploadUrl(uploadId: string): string {
  return `/api/v1/resumable/${uploadId}`
}

/** Where the upload stands, in the header of the answer; once it is accepted, which job it became, of which bytes. */
export function tellProgress(response: Response, upload: ResumableUpload): void {
  const { received, expiresAt, acceptedJobId, runId, sha256 } = upload
  const exchange = exchangeOf(response)
  exchange.runId = runId
  response.setHeader('upload-offset', received)
  response.setHeader('upload-expires', expiresAt.toUTCString())
  response.setHeader('cache-control', 'no-store')
  if (acceptedJobId === undefined) return
  exchange.jobId = acceptedJobId
  response.setHeader('lading-job-id', acceptedJobId)
  response.setHeader('lading-status-url', jobUrl(acceptedJobId))
  if (sha256 !== undefined) response.setHeader('lading-sha256', sha256)
}
