import { LadingError } from '@lading/protocol'
import { describe, expect, test } from 'vitest'
import { formatKey, type LocationScheme, locationWithin, parseArtifactLocation } from './artifact-location.ts'
import { parseArtifactPath } from './artifact-path.ts'

const S3: LocationScheme = { scheme: 's3' }
const DIRECTORY: LocationScheme = { scheme: 'file', rootUri: 'file:///srv/lading/my%20objects/' }

describe('an artifact location', () => {
  test.each([
    ['s3://bucket', 'bucket', ''],
    ['s3://bucket/', 'bucket', ''],
    ['s3://bucket/team', 'bucket', 'team/'],
    ['s3://bucket/team/', 'bucket', 'team/'],
    ['s3://my.bucket-1/a/b c/', undefined, ''],
    ['s3://my.bucket-1/a/été/', 'my.bucket-1', 'a/été/'],
  ])('%s is read by its characters', (text, bucket, prefix) => {
    if (bucket === undefined) expect(() => parseArtifactLocation(text, S3)).toThrow(LadingError)
    else expect(parseArtifactLocation(text, S3)).toEqual({ scheme: 's3', bucket, prefix })
  })

  test('below a directory store begins with its root URI, and then the bucket', () => {
    const text = 'file:///srv/lading/my%20objects/bucket/team/'
    expect(parseArtifactLocation(text, DIRECTORY)).toEqual({
      scheme: 'file',
      bucket: 'bucket',
      prefix: 'team/',
    })
  })

  test.each([
    ['another scheme', 'http://bucket/p'],
    ['a scheme that makes a server connect out', 'ftp://bucket/p'],
    ['a local file, in an S3 store', 'file:///etc/'],
    ['no scheme', 'bucket/p'],
    ['an empty scheme', '://bucket/p'],
    ['an empty scheme before an absolute path', ':///etc'],
    ['an absolute path', '/etc'],
    ['nothing', ''],
    ['a scheme in upper case', 'S3://bucket/p'],
    ['one slash', 's3:/bucket/p'],
    ['no bucket', 's3:///p'],
    ['a parent segment', 's3://bucket/../other/'],
    ['a parent segment at the end', 's3://bucket/p/..'],
    ['a parent segment as bucket', 's3://../p'],
    ['a Windows parent segment', 's3://bucket/p/\\..\\..\\x'],
    ['a dot segment', 's3://bucket/./p'],
    ['an empty segment', 's3://bucket//p'],
    ['two slashes at the end', 's3://bucket/p//'],
    ['a query', 's3://bucket/p?x=/../../etc'],
    ['a fragment', 's3://bucket/#/../../etc/'],
    ['a fragment for a bucket', 's3:///#/../../etc/'],
    ['parameters', 's3://bucket/p;/../../x'],
    ['an escape', 's3://bucket/%2e%2e/x'],
    ['an escape encoded twice', 's3://bucket/%252e%252e/x'],
    ['a harmless escape', 's3://bucket/a%20b'],
    ['a user', 's3://trusted@evil/p'],
    ['a backslash before a host', 's3://evil\\@trusted/p'],
    ['a port', 's3://bucket:9000/p'],
    ['white space', 's3://bucket/a b'],
    ['white space before the scheme', ' s3://bucket/p'],
    ['a line feed', 's3://bucket/a\nb'],
    ['NUL', 's3://bucket/a\0b'],
    ['a bidi override', 's3://bucket/a\u202eb'],
    ['an upper-case bucket', 's3://Bucket/p'],
    ['a bucket of two characters', 's3://ab/p'],
    ['a bucket of 64 characters', `s3://${'a'.repeat(64)}/p`],
    ['an IP address', 's3://192.168.5.4/p'],
    ['a bucket with two dots', 's3://a..b/p'],
    ['a bucket that begins with a hyphen', 's3://-ab/p'],
    ['a bucket that ends with a dot', 's3://ab./p'],
    ['a bucket with an underscore', 's3://a_b/p'],
    ['a prefix of 513 bytes', `s3://bucket/${'ab/'.repeat(171)}`],
  ])('in an S3 store refuses %s', (_reason, text) => {
    expect(() => parseArtifactLocation(text, S3)).toThrow(
      expect.objectContaining({ code: 'location_invalid' }),
    )
  })

  test.each([
    ['another root', 'file:///srv/lading/'],
    ['a namesake of the root', 'file:///srv/lading/my%20objects-evil/bucket/'],
    ['the root itself', 'file:///srv/lading/my%20objects/'],
    ['the root in another spelling', 'file:///srv/lading/my objects/bucket/'],
    ['a way out of the root', 'file:///srv/lading/my%20objects/../../bucket/'],
    ['a way out of the bucket', 'file:///srv/lading/my%20objects/bucket/../../etc'],
    ['an encoded way out', 'file:///srv/lading/my%20objects/bucket/%2e%2e/%2e%2e/etc'],
    ['a host', 'file://host/srv/lading/my%20objects/bucket/'],
    ['no slashes', 'file:etc'],
    ['an S3 bucket', 's3://bucket/p'],
  ])('in a directory store refuses %s', (_reason, text) => {
    expect(() => parseArtifactLocation(text, DIRECTORY)).toThrow(
      expect.objectContaining({ code: 'location_invalid' }),
    )
  })

  test('lies within a root only at the boundary of a segment', () => {
    const at = (text: string) => parseArtifactLocation(text, S3)
    const roots = [at('s3://bucket/team/'), at('s3://lab')]
    expect(locationWithin(at('s3://bucket/team'), roots)).toBe(true)
    expect(locationWithin(at('s3://bucket/team/a/b/'), roots)).toBe(true)
    expect(locationWithin(at('s3://lab/anything'), roots)).toBe(true)
    expect(locationWithin(at('s3://bucket/team-evil/'), roots)).toBe(false)
    expect(locationWithin(at('s3://bucket/'), roots)).toBe(false)
    expect(locationWithin(at('s3://lab-2/'), roots)).toBe(false)
    expect(locationWithin(at('s3://bucket/team'), [])).toBe(false)
    expect(locationWithin({ ...at('s3://bucket/team'), scheme: 'file' }, roots)).toBe(false)
  })
})

describe('the key of an artifact', () => {
  test('is the prefix and the path', () => {
    const location = parseArtifactLocation('s3://bucket/team', S3)
    expect(formatKey(location, parseArtifactPath('models/model.pkl'))).toBe('team/models/model.pkl')
  })

  test('has at most 1,024 bytes, and the refusal tells how long the path may be', () => {
    const location = parseArtifactLocation('s3://bucket/team', S3)
    const segment = 'é'.repeat(100)
    const longest = parseArtifactPath(`${`${segment}/`.repeat(5)}${'x'.repeat(14)}`)
    expect(Buffer.byteLength(formatKey(location, longest))).toBe(1024)
    expect(() => formatKey(location, parseArtifactPath(`${longest}y`))).toThrow(
      expect.objectContaining({
        code: 'path_invalid',
        detail: expect.stringContaining('the limit in this artifact'),
      }),
    )
  })
})
