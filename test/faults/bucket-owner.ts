import { readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateMultipartUploadCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { RunResponse } from '@lading/protocol'
import { s3Client } from '../support/s3.ts'
import type { Scene } from './fault-case.ts'

/** Who has the bucket and its disk, and does things there that Lading knows nothing of. */
export class BucketOwner {
  readonly #scene: Scene
  readonly #root: string

  private constructor(scene: Scene, root: string) {
    this.#scene = scene
    this.#root = root
  }

  static async of(scene: Scene): Promise<BucketOwner> {
    const { system, run } = scene
    const { body } = await system.client.call<Pick<RunResponse, 'artifact_uri'>>(
      'GET',
      `/api/v1/experiments/runs/${run}`,
    )
    const prefix = body.artifact_uri.slice(system.bucketUri.length)
    return new BucketOwner(scene, prefix.replace(/artifacts\/$/, ''))
  }

  /** Puts an object below the run's root, or elsewhere in the bucket. Its key. */
  async plant(where: { readonly below: string } | { readonly key: string }): Promise<string> {
    const Key = 'key' in where ? where.key : this.#root + where.below
    await this.#send((client, Bucket) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'planted' })))
    return Key
  }

  async beginUpload(below: string): Promise<void> {
    const Key = this.#root + below
    await this.#send((client, Bucket) => client.send(new CreateMultipartUploadCommand({ Bucket, Key })))
  }

  async delete(Key: string): Promise<void> {
    await this.#send((client, Bucket) => client.send(new DeleteObjectCommand({ Bucket, Key })))
  }

  /** As a disk does that forgets: size, times and attributes stay. */
  async flipBit(path: string): Promise<void> {
    const file = this.#fileOf(path)
    const { atime, mtime } = await stat(file)
    const bytes = await readFile(file)
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
    await writeFile(file, bytes)
    await utimes(file, atime, mtime)
  }

  async loseFile(path: string): Promise<void> {
    await unlink(this.#fileOf(path))
  }

  #fileOf(path: string): string {
    const { servers, system } = this.#scene
    if (servers.s3.directory === undefined) throw new Error('the S3 server is none whose disk can be reached')
    return join(servers.s3.directory, system.bucket, `${this.#root}artifacts`, path)
  }

  async #send(
    request: (client: ReturnType<typeof s3Client>, bucket: string) => Promise<unknown>,
  ): Promise<void> {
    const client = s3Client(this.#scene.servers.s3)
    try {
      await request(client, this.#scene.system.bucket)
    } finally {
      client.destroy()
    }
  }
}
