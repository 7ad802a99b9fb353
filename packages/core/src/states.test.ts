import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FILE_MOVES, JOB_MOVES, jobHasEnded, statesBefore, WORK_MOVES } from './states.ts'

const page = readFileSync(new URL('../../../docs/states.md', import.meta.url), 'utf8')
const TABLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'A file': FILE_MOVES,
  'A job': JOB_MOVES,
  'A work item': WORK_MOVES,
}

test.each(Object.entries(TABLES))('%s makes the moves that are drawn, and no others', (heading, moves) => {
  const arrows = arrowsBelow(heading)
  const table = Object.entries(moves).flatMap(([from, to]) => to.map((state) => `${from} --> ${state}`))
  expect(arrows.filter((arrow) => !arrow.includes('[*]')).sort()).toEqual(table.sort())
})

test.each(Object.entries(TABLES))('%s is drawn with a beginning, and with its ends', (heading, moves) => {
  const arrows = arrowsBelow(heading)
  const drawn = (pattern: RegExp) => arrows.flatMap((arrow) => pattern.exec(arrow)?.[1] ?? [])
  expect(drawn(/^\[\*\] --> (\w+)$/)[0]).toBe(Object.keys(moves)[0])
  const noWayOut = Object.keys(moves).filter((state) => moves[state]?.length === 0)
  expect(drawn(/^(\w+) --> \[\*\]$/)).toEqual(expect.arrayContaining(noWayOut))
})

test('a job that has ended is drawn as having ended', () => {
  const arrows = arrowsBelow('A job')
  for (const state of Object.keys(JOB_MOVES) as (keyof typeof JOB_MOVES)[]) {
    expect(arrows.includes(`${state} --> [*]`)).toBe(jobHasEnded(state))
  }
})

test('the states before a state are those with a move to it', () => {
  expect(statesBefore(FILE_MOVES, 'cancelled')).toEqual(['spooled', 'uploading'])
  expect(statesBefore(FILE_MOVES, 'stored')).toEqual(['uploading'])
  expect(statesBefore(JOB_MOVES, 'open')).toEqual([])
})

/** The arrows of the Mermaid drawing in the section, without what is written at them. */
function arrowsBelow(heading: string): string[] {
  const section = page.split('\n## ').find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const drawing = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
  const lines = drawing.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => {
    const arrow = /^ {2}(\S+ --> \S+)(?: : .+)?$/.exec(line)?.[1]
    if (arrow === undefined) throw new Error(`not an arrow: ${line}`)
    return arrow
  })
}
