import fc from 'fast-check'
import { paxMember, TAR_END, tarMember } from '../../../packages/archive/src/fixtures/tar-blocks.ts'
import { mutated } from '../mutated.ts'
import { name } from './names.ts'

const content = fc.oneof(
  fc.constantFrom('', 'x', 'y'.repeat(512), 'z'.repeat(513)),
  fc.string({ maxLength: 80 }),
)
/** A numeric field: octal, base 256 (GNU), and neither. */
const number = fc.constantFrom(
  '00000000000\0',
  '00000000001\0',
  '77777777777\0',
  '-0000000001\0',
  '        ',
  'ffffffffff\0',
  '',
  Buffer.from('800000000000000000000001', 'hex'),
  Buffer.from('80ffffffffffffffffffffff', 'hex'),
  Buffer.from('ffffffffffffffffffffffff', 'hex'),
)
const type = fc.constantFrom(
  '0',
  '0',
  '0',
  '\0',
  '5',
  '1',
  '2',
  '3',
  '6',
  '7',
  'L',
  'K',
  'S',
  'x',
  'g',
  'V',
  'M',
  'Z',
)
const field = fc.record(
  {
    name: name.map((text) => Buffer.from(text).subarray(0, 100)),
    prefix: name.map((text) => text.slice(0, 60)),
    type,
    size: fc.oneof(
      { weight: 5, arbitrary: fc.constant(undefined) },
      number.map((text) => Buffer.from(text)),
    ),
    mtime: number,
    magic: fc.constantFrom('ustar\x0000', 'ustar  \0', '\0'.repeat(8), 'ustar\0xx'),
    checksum: fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      fc.constantFrom('000000\0 ', '        '),
    ),
  },
  { requiredKeys: ['name'] },
)
const member = fc.tuple(content, field).map(([bytes, { size, checksum, ...fields }]) =>
  tarMember(bytes, {
    ...fields,
    ...(size === undefined ? {} : { size }),
    ...(checksum === undefined ? {} : { checksum }),
  }),
)
const record = fc
  .tuple(
    fc.constantFrom('path', 'size', 'linkpath', 'mtime', 'GNU.sparse.map', 'hdrcharset', 'comment', ''),
    name,
  )
  .map(([key, value]) => `${key}=${value}`)
const pax = fc
  .tuple(
    fc.array(fc.oneof(record, fc.constantFrom('size=-1', 'size=1e9', 'size=9007199254740993', 'mtime=nan')), {
      maxLength: 3,
    }),
    fc.constantFrom('x' as const, 'x' as const, 'g' as const),
  )
  .map(([records, kind]) => paxMember(records, kind))

export const tar: fc.Arbitrary<Buffer> = mutated(
  fc
    .tuple(
      fc.array(fc.oneof({ weight: 3, arbitrary: member }, pax), { maxLength: 4 }),
      fc.constantFrom(TAR_END, TAR_END, TAR_END, Buffer.alloc(512), Buffer.alloc(0), Buffer.alloc(1536, 'x')),
    )
    .map(([members, end]) => Buffer.concat([...members, end])),
  [Buffer.alloc(512), '\0', '/', '../', 'ustar', '0000000\0', '30 path=a\n', '99999999999 path=a\n'],
)
