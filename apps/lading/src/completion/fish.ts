import type { Values, Vocabulary, Word } from './vocabulary.ts'

/** For `~/.config/fish/completions/lading.fish`, or to be sourced. */
export function fishCompletion(vocabularies: readonly Vocabulary[]): string {
  return `# Completion of lading for fish: lading completion fish | source
function __lading_at
  set -l path ''
  for word in (commandline -opc)[2..-1]
    switch (string trim "$path $word")
      case ${vocabularies
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join(' ')}
        set path (string trim "$path $word")
    end
  end
  test "$path" = "$argv[1]"
end
complete -c lading -f
${vocabularies.flatMap(linesOf).join('\n')}
`
}

function linesOf({ path, subcommands, options, values, argument }: Vocabulary): string[] {
  const at = `complete -c lading -n ${quoted(`__lading_at '${path}'`)}`
  const choices = Array.isArray(argument) ? [`${at} -a ${quoted(argument.join(' '))}`] : []
  const files = argument === 'files' ? [`${at} -F`] : []
  return [
    ...subcommands.map(({ word, about }) => `${at} -a ${word} -d ${quoted(about)}`),
    ...choices,
    ...files,
    ...options.map((option) => `${at} ${optionOf(option, values)}`),
  ]
}

function optionOf({ word, about }: Word, values: ReadonlyMap<string, Values>): string {
  const name = `-l ${word.replace(/^--/, '')} -d ${quoted(about)}`
  if (!values.has(word)) return name
  const value = values.get(word)
  if (value === 'files') return `${name} -r -F`
  return value === undefined ? `${name} -x` : `${name} -x -a ${quoted(value.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
