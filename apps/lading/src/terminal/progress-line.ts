import { counted, inBytes, inTime } from './figures.ts'

/** How far something is. Totals are undefined where they are not known. */
export interface Standing {
  readonly files: number
  readonly filesTotal: number | undefined
  readonly bytes: number
  readonly bytesTotal: number | undefined
  readonly failed: number
}

const BAR = 20
/** A terminal this wide has room for the bar. */
const WIDE = 100
/** What takes longer than four days has only begun, or has stopped. */
const FORESEEN_SECONDS = 4 * 86_400

/** One line, at most `columns` wide: `12/300 files  35%  1.2 GiB of 3.4 GiB  83.1 MiB/s  0:42 left  1 failed`. */
export function progressLine(
  standing: Standing,
  bytesPerSecond: number | undefined,
  columns: number,
): string {
  const { files, filesTotal, bytes, bytesTotal, failed } = standing
  const parts = [
    ...(bytesTotal && columns >= WIDE ? [bar(bytes / bytesTotal)] : []),
    filesTotal === undefined ? counted(files, 'file') : `${files}/${counted(filesTotal, 'file')}`,
    ...(bytesTotal ? [`${Math.floor((100 * bytes) / bytesTotal)}%`] : []),
    bytesTotal === undefined ? inBytes(bytes) : `${inBytes(bytes)} of ${inBytes(bytesTotal)}`,
    ...(bytesPerSecond === undefined ? [] : [`${inBytes(Math.round(bytesPerSecond))}/s`]),
    ...left(standing, bytesPerSecond),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ]
  return parts.join('  ').slice(0, columns)
}

function bar(fraction: number): string {
  const full = Math.round(Math.min(1, fraction) * BAR)
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`
}

function left({ bytes, bytesTotal }: Standing, bytesPerSecond: number | undefined): string[] {
  if (bytesTotal === undefined || !bytesPerSecond || bytes >= bytesTotal) return []
  const seconds = (bytesTotal - bytes) / bytesPerSecond
  return seconds < FORESEEN_SECONDS ? [`${inTime(seconds)} left`] : []
}
