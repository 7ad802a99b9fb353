import type { Argument, Command, Option } from 'commander'

/** What can be typed after a command, as shells complete it. */
export interface Vocabulary {
  /** The words of the command after `lading`: empty, `jobs`, `jobs watch`. */
  readonly path: string
  readonly subcommands: readonly Word[]
  readonly options: readonly Word[]
  /** By option: what can follow it. */
  readonly values: ReadonlyMap<string, Values>
  readonly argument: Values
}

export interface Word {
  readonly word: string
  readonly about: string
}

/** Words to choose from, names of files, or something that no shell can know. */
export type Values = readonly string[] | 'files' | undefined

/** Arguments and values of options that name something on this machine. */
const LOCAL = ['file', 'folder', 'destination']

/** Of a command and all below it, from the top. */
export function vocabulariesOf(command: Command, path: readonly string[] = []): Vocabulary[] {
  const { commands, options, registeredArguments } = command
  const own = {
    path: path.join(' '),
    subcommands: commands.map((sub) => ({ word: sub.name(), about: sub.description() })),
    options: [...options.flatMap(wordsOf), { word: '--help', about: 'show help' }],
    values: new Map(options.flatMap(valuesOf)),
    argument: argumentOf(registeredArguments[0]),
  }
  return [own, ...commands.flatMap((sub) => vocabulariesOf(sub, [...path, sub.name()]))]
}

function wordsOf({ long, description }: Option): Word[] {
  return long === undefined || long === null ? [] : [{ word: long, about: description }]
}

function valuesOf(option: Option): [string, Values][] {
  const takes = option.required || option.optional
  if (!takes) return []
  const values = option.argChoices ?? (LOCAL.includes(nameOfValue(option)) ? 'files' : undefined)
  return [option.short, option.long].flatMap((flag) => (flag ? [[flag, values]] : []))
}

function nameOfValue({ flags }: Option): string {
  return /[<[]([\w-]+)/.exec(flags)?.[1] ?? ''
}

function argumentOf(argument: Argument | undefined): Values {
  if (argument === undefined) return undefined
  return argument.argChoices ?? (LOCAL.includes(argument.name()) ? 'files' : undefined)
}
