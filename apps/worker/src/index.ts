export { DEFAULT_WORKER_CONFIG, type WorkerConfig } from './config.ts'
export { startWorker, type WorkerDeps, type WorkerService } from './worker.ts'
