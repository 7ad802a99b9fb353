import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, workspaces } from './workspaces.ts'

/** The files of packages and apps, tests and their fixtures aside, whose text has the pattern; sorted. */
export function filesWith(pattern: RegExp): string[] {
  return workspaces
    .flatMap(({ files }) => files)
    .filter(({ isTest, path }) => !isTest && pattern.test(readFileSync(join(ROOT, path), 'utf8')))
    .map(({ path }) => path)
    .sort()
}
