import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { missingArchivers } from './archivers.ts'
import { findBrowser, findProgram, toolFolder } from './find-program.ts'
import { installTestPython, testPython } from './python.ts'
import { VERSITYGW } from './versitygw.ts'

/** Finds, or installs, the servers and programs that tests run against and npm does not bring. Run by `npm test`; safe to repeat. */
const missing = [redis(), s3(), ...archivers(), ...shells(), python(), browser()].filter(
  (sentence) => sentence !== undefined,
)
for (const sentence of missing) console.error(sentence)
process.exitCode = missing.length === 0 ? 0 : 1

function redis(): string | undefined {
  if (findProgram('redis-server', 'valkey-server') !== undefined) return undefined
  if (process.getuid?.() === 0 && findProgram('apt-get') !== undefined) installFromDebian('redis-server')
  if (findProgram('redis-server') !== undefined) return undefined
  return 'Tests need a Redis or Valkey on PATH: `sudo apt-get install redis-server`, or `brew install redis`'
}

function s3(): string | undefined {
  if (process.env.LADING_TEST_S3_ENDPOINT !== undefined) return undefined
  if (findProgram('versitygw', VERSITYGW.file) !== undefined) return undefined
  if (findProgram('go') !== undefined) buildVersitygw()
  if (findProgram(VERSITYGW.file) !== undefined) return undefined
  const command = `GOBIN=${toolFolder()} go install ${VERSITYGW.module}`
  return `Tests need an S3: \`${command}\` (Go is at https://go.dev/dl), or set LADING_TEST_S3_ENDPOINT`
}

function browser(): string | undefined {
  const found = () => findBrowser() !== undefined
  if (!found() && process.getuid?.() === 0 && findProgram('apt-get') !== undefined)
    installFromDebian('chromium')
  return found() ? undefined : 'Tests need a Chromium on PATH: `sudo apt-get install chromium`'
}

/** Those that complete the words of the command, but bash, which is everywhere. */
function shells(): string[] {
  const missing = () => ['zsh', 'fish'].filter((name) => findProgram(name) === undefined)
  if (missing().length > 0 && process.getuid?.() === 0 && findProgram('apt-get') !== undefined)
    installFromDebian(...missing())
  return missing().map(
    (name) => `Tests need ${name} on PATH: \`sudo apt-get install ${name}\`, or \`brew install ${name}\``,
  )
}

function archivers(): string[] {
  const missing = missingArchivers()
  if (missing.length > 0 && process.getuid?.() === 0 && findProgram('apt-get') !== undefined) {
    installFromDebian(...missing.map(({ debian }) => debian))
  }
  return missingArchivers().map(({ sentence }) => sentence)
}

function python(): string | undefined {
  if (testPython() !== undefined) return undefined
  const hasVenv =
    findProgram('python3') !== undefined && spawnSync('python3', ['-c', 'import ensurepip']).status === 0
  if (!hasVenv && process.getuid?.() === 0 && findProgram('apt-get') !== undefined) {
    installFromDebian('python3', 'python3-venv')
  }
  return installTestPython()
}

function installFromDebian(...names: string[]): void {
  console.log(`Installing ${names.join(', ')} with apt-get`)
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-qq', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  withoutServices(() => {
    apt('update')
    apt('install', '-y', '--no-install-recommends', ...names)
  })
}

/** A package may start its service unless this file forbids it (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt). */
function withoutServices(install: () => void): void {
  const policy = '/usr/sbin/policy-rc.d'
  const forbidden = existsSync(policy)
  if (!forbidden) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    if (!forbidden) rmSync(policy)
  }
}

/** About a minute, once for each version and user. Built aside and moved, so that two at a time do no harm. */
function buildVersitygw(): void {
  console.log(`Building ${VERSITYGW.module}, once, into ${toolFolder()}`)
  mkdirSync(toolFolder(), { recursive: true })
  const aside = mkdtempSync(join(toolFolder(), 'build-'))
  try {
    const env = { ...process.env, GOBIN: aside, GOFLAGS: '-trimpath' }
    const go = spawnSync('go', ['install', VERSITYGW.module], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env,
      cwd: aside,
    })
    if (go.status === 0) renameSync(join(aside, 'versitygw'), join(toolFolder(), VERSITYGW.file))
  } finally {
    rmSync(aside, { recursive: true })
  }
}
