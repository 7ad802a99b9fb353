import type { FaultCase } from '../fault-case.ts'
import { API_CASES } from './api.ts'
import { CLIENT_CASES } from './client.ts'
import { DATA_CASES } from './data.ts'
import { DISK_CASES } from './disk.ts'
import { KEEPING_CASES } from './keeping.ts'
import { NETWORK_CASES } from './network.ts'
import { POSTGRES_CASES } from './postgres.ts'
import { QUOTA_CASES } from './quota.ts'
import { REDIS_CASES } from './redis.ts'
import { S3_CASES } from './s3.ts'
import { WORKER_CASES } from './worker.ts'

/** All faults there are. docs/faults.md is made from it. */
export const CASES: readonly FaultCase[] = [
  ...CLIENT_CASES,
  ...API_CASES,
  ...WORKER_CASES,
  ...REDIS_CASES,
  ...POSTGRES_CASES,
  ...S3_CASES,
  ...NETWORK_CASES,
  ...DISK_CASES,
  ...DATA_CASES,
  ...KEEPING_CASES,
  ...QUOTA_CASES,
]
