/** What the catalog asks of a logger; pino's fits. */
export interface Logger {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}
