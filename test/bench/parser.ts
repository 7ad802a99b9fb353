import { once } from 'node:events'
import { MultipartParser } from '@lading/multipart'
import busboy from 'busboy'
import { type BenchOptions, repetitionsOf, sized } from './options.ts'
import { BOUNDARY, type FormBody, formBodies } from './parser-bodies.ts'
import { printSeries } from './series.ts'
import { ratios, summarize } from './statistics.ts'

const LIMITS = { parts: 1e7, nameBytes: 100, headerBytes: 16 * 1024 }
const MIB = 2 ** 20

interface Parsed {
  bytes: number
  parts: number
}

/** The parser of forms alone, in one process and on memory, against busboy's. */
export async function parser(options: BenchOptions): Promise<void> {
  for (const body of formBodies(sized(options, 1024 * MIB))) {
    const ours: number[] = []
    const busboys: number[] = []
    for (let left = repetitionsOf(options, 5); left > 0; left--) {
      ours.push(await speedOf(body, parseWithOurs))
      busboys.push(await speedOf(body, parseWithBusboy))
    }
    console.log(`  ${body.name}: ${summarize(ratios(ours, busboys)).median.toFixed(1)} × busboy`)
    printSeries([
      { name: 'Lading', unit: 'MB/s', values: ours },
      { name: 'busboy', unit: 'MB/s', values: busboys },
    ])
  }
}

async function speedOf(body: FormBody, parse: (body: FormBody) => Promise<Parsed>): Promise<number> {
  const start = performance.now()
  const { parts } = await parse(body)
  const ms = performance.now() - start
  if (parts !== body.parts) throw new Error(`${body.name}: ${parts} parts were found, not ${body.parts}`)
  return body.bytes / 1e6 / (ms / 1000)
}

async function parseWithOurs(body: FormBody): Promise<Parsed> {
  const parsed: Parsed = { bytes: 0, parts: 0 }
  const handler = {
    partBegin: () => {
      parsed.parts++
    },
    partData: (chunk: Buffer) => {
      parsed.bytes += chunk.length
    },
    partEnd: () => {},
  }
  const ours = new MultipartParser(BOUNDARY, handler, LIMITS)
  for (const chunk of body.chunks()) ours.write(chunk)
  ours.end()
  return parsed
}

async function parseWithBusboy(body: FormBody): Promise<Parsed> {
  const parsed: Parsed = { bytes: 0, parts: 0 }
  const theirs = busboy({
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    preservePath: true,
    fileHwm: MIB,
    highWaterMark: MIB,
  })
  theirs.on('file', (_name, file) => {
    parsed.parts++
    file.on('data', (chunk: Buffer) => {
      parsed.bytes += chunk.length
    })
  })
  const closed = once(theirs, 'close')
  for (const chunk of body.chunks()) if (!theirs.write(chunk)) await once(theirs, 'drain')
  theirs.end()
  await closed
  return parsed
}
