import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { type Manifest, ROOT, rootManifest, workspaces } from './workspaces.ts'

interface LockedPackage extends Manifest {
  readonly version?: string
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
const locked = (JSON.parse(text) as { packages: Record<string, LockedPackage> }).packages
const names = new Set(Object.keys(locked).map((path) => path.split('node_modules/').at(-1)))

test('the lockfile locks what every package.json declares, so that npm ci takes it', () => {
  const folders = [{ folder: ROOT, manifest: rootManifest }, ...workspaces]
  for (const { folder, manifest } of folders) {
    const entry = locked[relative(ROOT, folder)]
    expect({ ...entry?.dependencies, ...entry?.devDependencies }, manifest.name).toEqual({
      ...manifest.dependencies,
      ...manifest.devDependencies,
    })
  }
})

test('the lockfile knows the packages of platforms other than the one it was written on', () => {
  // npm leaves out those that the registry at hand does not have, and npm ci then refuses the whole file.
  const missing = Object.values(locked).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}).filter((name) => !names.has(name)),
  )
  expect(missing).toEqual([])
})

test('the lockfile names no registry', () => {
  const addresses = Object.values(locked).filter((entry) => entry.resolved?.startsWith('http'))
  expect(addresses).toEqual([])
})
