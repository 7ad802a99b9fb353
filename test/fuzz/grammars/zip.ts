import fc from 'fast-check'
import { extra, wide, type ZipMember, zipBytes } from '../../../packages/archive/src/fixtures/zip-bytes.ts'
import { mutated } from '../mutated.ts'
import { name } from './names.ts'

const size = fc.constantFrom(0, 1, 5, 0xffff, 0xffff_fffe, 0xffff_ffff)
const extraField = fc.oneof(
  fc
    .tuple(fc.constantFrom(1, 0x7075, 0x5455, 0x000a), fc.uint8Array({ maxLength: 12 }))
    .map(([id, data]) => extra(id, Buffer.from(data))),
  fc.tuple(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.nat(100)).map(([a, b]) => extra(1, wide(a, b))),
  fc.constant(Buffer.from([1])),
)
const member: fc.Arbitrary<ZipMember> = fc.record(
  {
    name: fc.oneof(
      name,
      fc.uint8Array({ maxLength: 10 }).map((bytes) => Buffer.from(bytes)),
    ),
    content: fc
      .oneof(fc.string({ maxLength: 60 }), fc.constant('z'.repeat(5000)))
      .map((text) => Buffer.from(text)),
    method: fc.constantFrom(0, 8, 8, 9, 12, 99),
    flags: fc.constantFrom(0, 0, 1, 8, 0x800, 0x840, 0x2000),
    madeBy: fc.constantFrom(20, (3 << 8) | 20, (10 << 8) | 20),
    attributes: fc.constantFrom(
      0,
      0o100644 * 65_536,
      0o040755 * 65_536,
      0o120777 * 65_536,
      0o020666 * 65_536,
      0x10,
    ),
    size,
    compressedSize: size,
    dosTime: fc.nat(0xffff),
    dosDate: fc.nat(0xffff),
    extra: extraField,
    disk: fc.constantFrom(0, 1, 0xffff),
    offset: size,
    local: fc.tuple(fc.nat(29), fc.nat(255)).map(
      ([at, value]) =>
        (header: Buffer) =>
          void header.writeUInt8(value, at),
    ),
  },
  { requiredKeys: ['name', 'content'] },
)

export const zip: fc.Arbitrary<Buffer> = mutated(
  fc
    .record(
      {
        members: fc.array(
          fc.oneof(
            {
              weight: 2,
              arbitrary: fc.record({ name, content: fc.constant(Buffer.from('x')), method: fc.constant(8) }),
            },
            member,
          ),
          { maxLength: 4 },
        ),
        before: fc.constantFrom(Buffer.from('x'), Buffer.from('PK\x05\x06')),
        after: fc.constant(Buffer.from('PK\x06\x06')),
        comment: fc.constantFrom(Buffer.from('c'), Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`)),
        end: fc.tuple(fc.nat(21), fc.nat(255)).map(
          ([at, value]) =>
            (record: Buffer) =>
              void record.writeUInt8(value, at),
        ),
      },
      { requiredKeys: ['members'] },
    )
    .map(zipBytes),
  [
    'PK\x01\x02',
    'PK\x03\x04',
    'PK\x05\x06',
    'PK\x06\x06',
    'PK\x06\x07',
    'PK\x07\x08',
    Buffer.alloc(4, 0xff),
    Buffer.alloc(8),
  ],
)
