import { describeSystem } from './suite.ts'

describeSystem('PostgreSQL and a directory', { queue: 'postgres', store: 'directory', apis: 2, workers: 2 })
