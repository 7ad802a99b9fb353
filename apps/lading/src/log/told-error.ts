import { type SerializedError, stdSerializers } from 'pino'

/** What the log tells of an error, besides its type, its message and stack, and those of its causes. */
const FACTS = [
  // Of Lading's own.
  ...['code', 'detail', 'retryAfter'],
  // https://nodejs.org/api/errors.html#class-systemerror
  ...['errno', 'syscall', 'address', 'port', 'path'],
  // https://node-postgres.com/apis/client#errors
  ...['severity', 'schema', 'table', 'constraint', 'routine'],
  // Of the AWS SDK: status, request id, attempts.
  ...['$fault', '$metadata'],
] as const

/**
 * An error for the log, by the fields that are known. Libraries hang on their errors whatever was at hand: ioredis the
 * command that failed, which may be AUTH with the password; S3 the headers of the request that it would not believe.
 */
export function toldError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { type, message, stack, aggregateErrors, ...all } = stdSerializers.err(error) as SerializedError
  return {
    type,
    message,
    stack,
    ...Object.fromEntries(FACTS.filter((name) => all[name] !== undefined).map((name) => [name, all[name]])),
    ...(aggregateErrors && { aggregateErrors: (error as AggregateError).errors.map(toldError) }),
  }
}
