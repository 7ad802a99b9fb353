import { describeSystem } from './suite.ts'

describeSystem('Redis and S3', { queue: 'redis', store: 's3', apis: 2, workers: 2 })
