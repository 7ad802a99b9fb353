import { parseSha256Hex, type Sha256Hex } from '@lading/core'
import { LadingError, Manifest } from '@lading/protocol'
import type { ApiLimits } from '../config.ts'
import { validated } from '../validated.ts'

/** Fields of the form beside its files. */
const NAMES = ['artifact_path', 'sha256', 'manifest'] as const
type FieldName = (typeof NAMES)[number]

/** How many fields a form may have beside its files. */
export const FIELD_COUNT = NAMES.length

/** Gathers the fields of a form while it arrives; each may come once, before or after the files. */
export class FormFields {
  readonly #limits: Pick<ApiLimits, 'fieldBytes' | 'manifestBytes'>
  readonly #values = new Map<FieldName, Buffer[]>()
  #open: { readonly name: FieldName; readonly chunks: Buffer[]; size: number } | undefined

  constructor(limits: Pick<ApiLimits, 'fieldBytes' | 'manifestBytes'>) {
    this.#limits = limits
  }

  /** Fails with `unknown_field`, `duplicate_field`. */
  begin(name: string): void {
    const known = NAMES.find((candidate) => candidate === name)
    if (known === undefined) {
      const names = ['file', ...NAMES].join(', ')
      throw new LadingError('unknown_field', `${JSON.stringify(name)}: this address takes ${names}`)
    }
    if (this.#values.has(known)) throw new LadingError('duplicate_field', `${known}: the form gives it twice`)
    this.#open = { name: known, chunks: [], size: 0 }
    this.#values.set(known, this.#open.chunks)
  }

  /** Fails with `field_too_large`. */
  data(chunk: Buffer): void {
    const open = this.#open
    if (open === undefined) throw new Error('FormFields: no field is open')
    open.size += chunk.length
    const limit = open.name === 'manifest' ? this.#limits.manifestBytes : this.#limits.fieldBytes
    if (open.size > limit)
      throw new LadingError('field_too_large', `${open.name}: the limit is ${limit} bytes`)
    open.chunks.push(chunk)
  }

  get artifactPath(): string | undefined {
    return this.#text('artifact_path')
  }

  /** Fails with `digest_invalid`. */
  get sha256(): Sha256Hex | undefined {
    const text = this.#text('sha256')
    return text === undefined ? undefined : parseSha256Hex(text, 'sha256')
  }

  /** Fails with `validation_failed`. */
  get manifest(): Manifest | undefined {
    const text = this.#text('manifest')
    return text === undefined ? undefined : validated(Manifest, parseJson(text), 'manifest')
  }

  #text(name: FieldName): string | undefined {
    const chunks = this.#values.get(name)
    if (chunks === undefined) return undefined
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
    } catch (cause) {
      throw new LadingError(
        name === 'artifact_path' ? 'path_invalid' : 'validation_failed',
        `${name}: not UTF-8`,
        {
          cause,
        },
      )
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new LadingError('validation_failed', 'manifest: not JSON; give an array of {path, size, sha256}', {
      cause,
    })
  }
}
