import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { importsOf } from './imports-of.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

export interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string
  /** A test, or a fixture of tests. */
  readonly isTest: boolean
  readonly imports: readonly string[]
}

export interface Workspace {
  /** The last part of its folder, which is the name without the scope. */
  readonly name: string
  readonly folder: string
  readonly kind: 'app' | 'package'
  readonly manifest: Manifest
  readonly files: readonly SourceFile[]
}

export const rootManifest = manifestIn(ROOT)

export const workspaces: readonly Workspace[] = globSync('{apps,packages}/*/package.json', { cwd: ROOT })
  .map((file) => join(ROOT, dirname(file)))
  .map((folder) => ({
    name: basename(folder),
    folder,
    kind: basename(dirname(folder)) === 'apps' ? 'app' : 'package',
    manifest: manifestIn(folder),
    files: sourcesIn(folder),
  }))

/** Every TypeScript file below the folder. */
export function sourcesIn(folder: string): SourceFile[] {
  return globSync('**/*.{ts,mts,cts,js,mjs}', { cwd: folder, exclude: ['**/node_modules', '**/dist'] }).map(
    (file) => ({
      path: relative(ROOT, join(folder, file)),
      isTest: /\.test\.ts$|(^|\/)fixtures\//.test(file),
      imports: importsOf(readFileSync(join(folder, file), 'utf8')),
    }),
  )
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
