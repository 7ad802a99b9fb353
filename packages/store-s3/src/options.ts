export interface S3Options {
  /** `https://host[:port]` of what speaks S3; absent, AWS's own by region. */
  readonly endpoint?: string | undefined
  readonly region: string
  /** Absent, the AWS SDK's own chain: environment, shared files, web identity, container, instance. */
  readonly credentials?: S3Credentials | undefined
  /** `host/bucket/key` instead of `bucket.host/key`; most stores that are not AWS's need it. */
  readonly forcePathStyle: boolean
  /** Server-side encryption to ask for; absent, the bucket's default. */
  readonly sse?: 'AES256' | { readonly kmsKeyId: string } | undefined
  /** Storage class of what is written; absent, the bucket's default. */
  readonly storageClass?: string | undefined
  /** The largest object, or range of one, that the store copies by one request (bytes); absent, AWS's 5 GiB. */
  readonly maxCopySize?: number | undefined
  /** PEM file of certificate authorities to trust besides Node's own. */
  readonly caFile?: string | undefined
  /**
   * A request on which no byte moves for this long is over (milliseconds), and so is one that takes longer in all
   * than this and a second for each 64 KiB it carries. The end of a multipart upload and a copy may be silent
   * for longer: a second more for each 16 MiB of the object, because the store moves its bytes meanwhile.
   */
  readonly requestTimeoutMs: number
  /** Name look-up, TCP and TLS handshake together (milliseconds). */
  readonly connectTimeoutMs: number
  /** Connections at once; requests beyond it wait for one. */
  readonly maxSockets: number
}

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}
