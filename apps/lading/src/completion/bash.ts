import { knownPaths } from './known-paths.ts'
import type { Values, Vocabulary } from './vocabulary.ts'

/** For bash from 3.2 on, which macOS has: no associative arrays, no `mapfile`. */
export function bashCompletion(vocabularies: readonly Vocabulary[]): string {
  return `# Completion of lading for bash: source <(lading completion bash)
_lading() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${knownPaths(vocabularies)}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path:$prev" in
${vocabularies.flatMap(valueCases).join('\n')}
  esac
  case "$path" in
${vocabularies.map(wordCase).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ "$cur" == -* ]] && return
  case "$path" in
    ${filePaths(vocabularies)}) _lading_files "$cur" ;;
  esac
}
_lading_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}
complete -F _lading lading
`
}

function valueCases({ path, values }: Vocabulary): string[] {
  return [...values].map(([option, value]) => `    "${path}:${option}") ${replyOf(value)}; return ;;`)
}

function replyOf(value: Values): string {
  if (value === undefined) return 'COMPREPLY=()'
  return value === 'files'
    ? '_lading_files "$cur"'
    : `COMPREPLY=($(compgen -W "${value.join(' ')}" -- "$cur"))`
}

/** Options are offered once a dash is typed, so that a plain Tab shows what comes next. */
function wordCase({ path, subcommands, options, argument }: Vocabulary): string {
  const plain = [...subcommands.map(({ word }) => word), ...(Array.isArray(argument) ? argument : [])]
  const dashed = options.map(({ word }) => word)
  return `    "${path}") [[ "$cur" == -* ]] && words="${dashed.join(' ')}" || words="${plain.join(' ')}" ;;`
}

function filePaths(vocabularies: readonly Vocabulary[]): string {
  const paths = vocabularies.filter(({ argument }) => argument === 'files').map(({ path }) => `"${path}"`)
  return paths.length === 0 ? '"-"' : paths.join(' | ')
}
