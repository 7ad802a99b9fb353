import type { Spool } from '@lading/core'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export type ApiMetrics = ReturnType<typeof createMetrics>

/** Metrics of the API, in the registry given. Sizes in bytes, times in seconds. */
export function createMetrics(registry: Registry, spool: Pick<Spool, 'space'>) {
  const registers = [registry]
  new Gauge({
    name: 'lading_spool_bytes',
    help: 'Temporary storage: bytes that may still be written, in packs, and reserved',
    labelNames: ['kind'] as const,
    registers,
    async collect() {
      const space = await spool.space()
      this.set({ kind: 'available' }, space.available)
      this.set({ kind: 'used' }, space.used)
      this.set({ kind: 'reserved' }, space.reserved)
    },
  })
  return {
    requests: new Counter({
      name: 'lading_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['method', 'route', 'status'] as const,
      registers,
    }),
    refused: new Counter({
      name: 'lading_http_refused_total',
      help: 'Requests refused, by error code',
      labelNames: ['code'] as const,
      registers,
    }),
    acceptSeconds: new Histogram({
      name: 'lading_accept_seconds',
      help: 'From the head of an upload to its acceptance',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    acceptedFiles: new Counter({ name: 'lading_accepted_files_total', help: 'Files accepted', registers }),
    acceptedBytes: new Counter({
      name: 'lading_accepted_bytes_total',
      help: 'Bytes of files accepted',
      registers,
    }),
    uploadsInFlight: new Gauge({
      name: 'lading_uploads_in_flight',
      help: 'Uploads being received',
      registers,
    }),
  }
}
