import type { Command } from 'commander'
import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import { vocabulariesOf } from './vocabulary.ts'
import { zshCompletion } from './zsh.ts'

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

export type Shell = keyof typeof SCRIPTS

/** The script by which a shell completes the program. It holds every word, so that a Tab starts no process. */
export function completionOf(program: Command, shell: Shell): string {
  return SCRIPTS[shell](vocabulariesOf(program))
}
