import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import { type System, startSystem } from '../support/system.ts'
import { artifacts } from './cli/artifacts.ts'
import { jobs } from './cli/jobs.ts'
import { terminal } from './cli/terminal.ts'
import { uploads } from './cli/uploads.ts'
import { sharedServers } from './shared-servers.ts'
import { showLogsOnFailure } from './show-logs.ts'

describe('the command, as processes of a person at a shell', () => {
  let system: System

  beforeAll(async () => {
    system = await startSystem({ queue: 'postgres', store: 'directory', servers: sharedServers() })
  })

  beforeEach(({ onTestFailed }) => showLogsOnFailure(system, onTestFailed))

  afterAll(() => system.stop())

  const url = () => system.apis[0]?.url ?? ''
  uploads(() => ({ url: url(), spoolDirectory: system.spoolDirectory }))
  artifacts(url)
  jobs(url)
  terminal(url)
})
