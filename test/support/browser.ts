import { type Browser, chromium } from 'playwright-core'
import { findBrowser } from './find-program.ts'

/** A Chromium, for which `lading.test` is a name of this machine: another host than 127.0.0.1, and no secure context. */
export function startBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--host-resolver-rules=MAP lading.test 127.0.0.1']
  return chromium.launch({ executablePath: findBrowser() ?? '', args })
}
