import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './workspaces.ts'

interface Locked {
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** What may be part of Lading as it is run. */
const SHIPPED = /^(MIT|ISC|0BSD|Apache-2\.0|BSD-[23]-Clause)$/
/** Besides, what may help to make and test it. */
const FOR_TESTS = /^(MPL-2\.0|BlueOak-1\.0\.0)$/

/** Whose package.json names none, and whose readme does. */
const BY_README: Readonly<Record<string, string>> = { 'combine-errors': 'MIT' }

const locked = Object.entries(
  (JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> })
    .packages,
).filter(([path, { link }]) => path.includes('node_modules/') && !link)

test('everything that runs in production has a licence that lets anyone use it', () => {
  expect(strays(false, SHIPPED)).toEqual([])
})

test('so has what tests and tools bring', () => {
  expect(strays(true, new RegExp(`${SHIPPED.source}|${FOR_TESTS.source}`))).toEqual([])
})

function strays(dev: boolean, allowed: RegExp): string[] {
  return locked
    .filter(([, entry]) => Boolean(entry.dev) === dev)
    .map(([path, entry]) => ({ path, licence: licenceOf(path, entry) }))
    .filter(({ licence }) => !licence.split(' OR ').some((one) => allowed.test(one)))
    .map(({ path, licence }) => `${path}: ${licence || 'none is named'}`)
}

/** Of a build for another platform, of which the lockfile knows the name alone, it is that of the package it belongs to. */
function licenceOf(path: string, entry: Locked): string {
  const name = path.split('node_modules/').at(-1) ?? ''
  const owner = () => locked.find(([, { optionalDependencies }]) => name in (optionalDependencies ?? {}))
  return entry.license ?? installedLicence(path) ?? BY_README[name] ?? owner()?.[1].license ?? ''
}

function installedLicence(path: string): string | undefined {
  try {
    const { license, licenses } = JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8'))
    return license ?? licenses?.map(({ type }: { type: string }) => type).join(' OR ')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
