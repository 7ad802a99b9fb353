const VERSION = 'v1.8.0'

/** The S3 server that tests run against: Apache-2.0, verifies checksums, has conditional writes. */
export const VERSITYGW = {
  module: `github.com/versity/versitygw/cmd/versitygw@${VERSION}`,
  /** Its name among the tools that `npm test` built; with the version, so that a newer one is not mistaken for this. */
  file: `versitygw-${VERSION}`,
} as const
