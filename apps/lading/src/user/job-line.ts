import type { Job } from '@lading/client'
import { counted, inBytes } from '../terminal/figures.ts'

/** Columns of a fixed width first: id, state, files, bytes, when. */
export function jobLine({ job_id: id, state, kind, files, bytes, created_at: created }: Job): string {
  const done =
    files.done === files.total
      ? counted(files.total, 'file')
      : `${files.done}/${counted(files.total, 'file')}`
  const failed = files.failed > 0 ? `  ${files.failed} failed` : ''
  const what = kind === 'delete' ? '  deletion' : ''
  return `${id}  ${state.padEnd(9)}  ${created}  ${done}, ${inBytes(bytes.total)}${failed}${what}`
}
