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

/** One line, at most `columns` wide, without what has no room there: `12/300 files  35%  1.2 GiB of 3.4 GiB  83.1 MiB/s  0:42 left  1 failed`. */
export function progressLine(
  standing: Standing,
  bytesPerSecond: number | undefined,
  columns: number,
): string {
  const { files, filesTotal, bytes, bytesTotal, failed } = standing
  // What is said before what, and what goes first where there is no room for all: the highest number.
  const parts: Part[] = [
    ...(bytesTotal && columns >= WIDE ? [part(0, bar(bytes / bytesTotal))] : []),
    part(1, filesTotal === undefined ? counted(files, 'file') : `${files}/${counted(filesTotal, 'file')}`),
    ...(bytesTotal ? [part(0, `${Math.floor((100 * bytes) / bytesTotal)}%`)] : []),
    part(4, bytesTotal === undefined ? inBytes(bytes) : `${inBytes(bytes)} of ${inBytes(bytesTotal)}`),
    ...(bytesPerSecond === undefined ? [] : [part(3, `${inBytes(Math.round(bytesPerSecond))}/s`)]),
    ...left(standing, bytesPerSecond).map((text) => part(2, text)),
    ...(failed > 0 ? [part(1, `${failed} failed`)] : []),
  ]
  return fitting(parts, columns)
}

interface Part {
  readonly rank: number
  readonly text: string
}

function part(rank: number, text: string): Part {
  return { rank, text }
}

/** Half a figure would be another figure. */
function fitting(parts: readonly Part[], columns: number): string {
  const line = parts.map(({ text }) => text).join('  ')
  const last = Math.max(...parts.map(({ rank }) => rank))
  if (line.length <= columns || last === 0) return line.slice(0, Math.max(0, columns))
  return fitting(
    parts.filter(({ rank }) => rank !== last),
    columns,
  )
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
