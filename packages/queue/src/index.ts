export type { QueueLog } from './queue-log.ts'
export { askRedis, type RedisFacts } from './redis-facts.ts'
export {
  openPostgresQueue,
  openRedisQueue,
  type PostgresQueueOptions,
  type RedisQueueOptions,
  type TicketQueueOptions,
} from './ticket-queue.ts'
