import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative, sep } from 'node:path'
import { expect, test } from 'vitest'
import { importsOf, packageOf } from './imports-of.ts'
import { ROOT, rootManifest, type SourceFile, sourcesIn, type Workspace, workspaces } from './workspaces.ts'

const ADAPTERS = ['catalog', 'queue', 'spool', 'store-directory', 'store-s3']
const APPS = ['api', 'worker', 'lading']

/** Who may know whom: apps → adapters → core → protocol, and archive, multipart → protocol. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  // Speaks HTTP to any server; what it knows of the protocol, a test holds to the schemas.
  client: [],
  archive: ['protocol'],
  multipart: ['protocol'],
  core: ['protocol'],
  ...Object.fromEntries(ADAPTERS.map((name) => [name, ['core', 'protocol']])),
  api: [...ADAPTERS, 'archive', 'core', 'multipart', 'protocol'],
  worker: [...ADAPTERS, 'archive', 'core', 'protocol'],
  // The composition root: the one place that knows every part.
  lading: ['api', 'client', 'worker', ...ADAPTERS, 'archive', 'core', 'multipart', 'protocol'],
}

/** What opens a socket, a file or a process. */
const OUTSIDE =
  /^node:(fs|net|http|https|http2|tls|dgram|dns|child_process|cluster|worker_threads|inspector)(\/|$)/

/** Names under which anything could be put. */
const NAMELESS = /^(utils?|commons?|helpers?|shared|misc)$/i

test('every package and app has its place among the arrows', () => {
  expect(workspaces.map((workspace) => workspace.name).sort()).toEqual(Object.keys(ARROWS).sort())
})

test.each(workspaces)(
  '$name declares only those parts of Lading that the arrows allow',
  ({ name, manifest }) => {
    expect(
      parts(Object.keys(manifest.dependencies ?? {})).filter((part) => !ARROWS[name]?.includes(part)),
    ).toEqual([])
  },
)

test.each(workspaces)('$name imports only those parts of Lading that the arrows allow', ({ name, files }) => {
  const allowed = [...(ARROWS[name] ?? []), name]
  const strays = production(files).flatMap(({ path, imports }) =>
    parts(imports.map(packageOf))
      .filter((part) => !allowed.includes(part))
      .map((part) => `${path} imports ${part}`),
  )
  expect(strays).toEqual([])
})

test.each(workspaces)('$name imports only what its package.json declares', (workspace) => {
  expect(workspace.files.flatMap((file) => undeclared(workspace, file))).toEqual([])
})

test.each(workspaces)('$name reaches into no other folder', ({ folder, files }) => {
  const support = join(ROOT, 'test', 'support')
  const strays = files.flatMap(({ path, isTest, imports }) =>
    imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => join(ROOT, dirname(path), specifier))
      .filter((target) => !isBelow(target, folder) && !(isTest && isBelow(target, support)))
      .map((target) => `${path} imports ${relative(ROOT, target)}`),
  )
  expect(strays).toEqual([])
})

test('core opens no socket, no file and no process', () => {
  const core = workspaces.find(({ name }) => name === 'core')
  const strays = production(core?.files ?? []).flatMap(({ path, imports }) =>
    imports.filter((specifier) => OUTSIDE.test(specifier)).map((specifier) => `${path} imports ${specifier}`),
  )
  expect(strays).toEqual([])
})

test('modules of Node are imported by their full name', () => {
  const strays = everyFile().flatMap(({ path, imports }) =>
    imports
      .filter((specifier) => isBuiltin(specifier) && !specifier.startsWith('node:'))
      .map((specifier) => `${path} imports ${specifier}`),
  )
  expect(strays).toEqual([])
})

test('no file or folder has a name under which anything could be put', () => {
  const names = everyFile().flatMap(({ path }) =>
    path.split(sep).map((part) => ({ path, part: basename(part).split('.')[0] })),
  )
  expect(names.filter(({ part }) => NAMELESS.test(part ?? '')).map(({ path }) => path)).toEqual([])
})

test('imports are found in every form that they are written in', () => {
  const text = [
    "import type { A } from 'a'",
    "import b, {\n  type B,\n  C,\n} from '@scope/b/deep'",
    "export * from './c.ts'",
    "import 'd'",
    "const e = await import('e')",
    "// import f from 'f'",
    " * import { g } from 'g'",
    "const h = 'import h from elsewhere'",
  ].join('\n')
  expect(importsOf(text).sort()).toEqual(['./c.ts', '@scope/b/deep', 'a', 'd', 'e'])
  expect(importsOf(text).map(packageOf)).toContain('@scope/b')
})

test.each(APPS)('%s is an app', (name) => {
  expect(workspaces.find((workspace) => workspace.name === name)?.kind).toBe('app')
})

function undeclared({ manifest }: Workspace, { path, isTest, imports }: SourceFile): string[] {
  const forTests = { ...manifest.devDependencies, ...rootManifest.devDependencies }
  const declared = { ...manifest.dependencies, ...(isTest ? forTests : {}) }
  return imports
    .filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier))
    .map(packageOf)
    .filter((name) => name !== manifest.name && !(name in declared))
    .map((name) => `${path} imports ${name}`)
}

function production(files: readonly SourceFile[]): SourceFile[] {
  return files.filter((file) => !file.isTest)
}

/** The parts of Lading among the packages. */
function parts(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith('@lading/')).map((name) => name.slice('@lading/'.length))
}

function everyFile(): SourceFile[] {
  return [...workspaces.flatMap(({ files }) => files), ...sourcesIn(join(ROOT, 'test'))]
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder + sep)
}
