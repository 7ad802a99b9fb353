import { asksForJson } from './asks-for-json.ts'
import { type Ending, exitCodeOf } from './endings.ts'
import { withoutSecrets } from './log/without-secrets.ts'

/** Says on standard error what failed: in a sentence, or as JSON, an object a line, to a script. */
export function tell({ exit, code, sentence }: Ending): void {
  const detail = withoutSecrets(sentence)
  const error = { code, detail, exit_code: exitCodeOf(exit) }
  console.error(asksForJson() ? JSON.stringify({ error }) : `lading: ${detail}`)
}
