import type { Config } from '../config.ts'
import { openContext } from '../context.ts'
import { databaseUrlOf } from '../database-url.ts'
import { untilSignal } from '../until-signal.ts'
import { apiOf } from './services.ts'

/** Runs the ingest API until it is asked to stop. */
export async function runApi(config: Config): Promise<void> {
  const stopped = untilSignal()
  await using context = await openContext(config, databaseUrlOf(config, 'api'))
  const api = apiOf(context)
  const { url } = await api.listen()
  context.log.info({ url }, 'the API is listening')
  const signal = await stopped
  context.log.info({ signal }, 'stopping')
  await api.stop(config.shutdownGraceMs)
}
