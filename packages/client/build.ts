import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * Builds what is published, in `dist` or the folder given: JavaScript with its types, and a manifest whose exports name
 * them. Publish it from there. In the repository itself the sources are imported, without a build.
 */
const target = resolve(process.argv[2] ?? join(import.meta.dirname, 'dist'))
rmSync(target, { recursive: true, force: true })
const tsc = spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', target], {
  cwd: import.meta.dirname,
  stdio: 'inherit',
})
if (tsc.status !== 0) process.exit(1)
const { name, version, description, license, type, sideEffects, dependencies, engines } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'),
)
const entry = (file: string) => ({ types: `./${file}.d.ts`, default: `./${file}.js` })
const exports = { '.': { node: entry('node'), default: entry('browser') } }
const manifest = {
  name,
  version,
  description,
  license,
  type,
  sideEffects,
  exports,
  dependencies,
  engines,
  files: ['**/*.js', '**/*.d.ts'],
}
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
