import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, 'corpus')

export interface Kept {
  readonly file: string
  readonly input: Buffer
}

/** Inputs that a target once failed on, or that are good to begin with; they are replayed in every run. */
export function corpusOf(target: string): Kept[] {
  const folder = join(FOLDER, target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file, input: readFileSync(join(folder, file)) }))
}

/** Keeps an input that failed; the path of its file. */
export function keep(target: string, input: Buffer): string {
  const folder = join(FOLDER, target)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16))
  writeFileSync(file, input)
  return file
}
