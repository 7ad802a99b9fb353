import { knownPaths } from './known-paths.ts'
import type { Values, Vocabulary, Word } from './vocabulary.ts'

/** For a file `_lading` in a folder of `$fpath`, or to be sourced after `compinit`. */
export function zshCompletion(vocabularies: readonly Vocabulary[]): string {
  return `#compdef lading
# Completion of lading for zsh: source <(lading completion zsh)
_lading() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" path_="" i
  local -a plain dashed
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_ \${words[i]}" in
      ${knownPaths(vocabularies)}) path_="\${path_:+$path_ }\${words[i]}" ;;
    esac
  done
  case "$path_:$prev" in
${vocabularies.flatMap(valueCases).join('\n')}
  esac
  case "$path_" in
${vocabularies.map(wordCase).join('\n')}
  esac
  if [[ "$cur" == -* ]]; then _describe option dashed
  elif ((\${#plain})); then _describe command plain
  fi
}
if [[ "$zsh_eval_context[-1]" == loadautofunc ]]; then _lading "$@"; else compdef _lading lading; fi
`
}

function valueCases({ path, values }: Vocabulary): string[] {
  return [...values].map(([option, value]) => `    "${path}:${option}") ${replyOf(value)}; return ;;`)
}

function replyOf(value: Values): string {
  if (value === undefined) return '_message value'
  return value === 'files' ? '_files' : `compadd -- ${value.join(' ')}`
}

function wordCase({ path, subcommands, options, argument }: Vocabulary): string {
  const choices = Array.isArray(argument) ? argument.map((word) => ({ word, about: '' })) : []
  const plain = [...subcommands, ...choices].map(described).join(' ')
  const files = argument === 'files' ? '; [[ "$cur" == -* ]] || { _files; return }' : ''
  return `    "${path}") plain=(${plain}) dashed=(${options.map(described).join(' ')})${files} ;;`
}

/** `_describe` parts a word from its description by a colon. */
function described({ word, about }: Word): string {
  const text = about === '' ? word : `${word}:${about}`
  return `'${text.replaceAll("'", `'\\''`)}'`
}
