import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LadingError } from '@lading/protocol'

export interface DirectoryHold {
  release(): Promise<void>
}

/**
 * Makes this process the only one that runs a server on the directory. A listening socket named after the directory
 * is the lock: the kernel drops it with the process, however that ends, which a file with a process id cannot promise.
 * Fails with `catalog_unavailable` while another process, or this one, holds it.
 */
export async function holdDirectory(directory: string): Promise<DirectoryHold> {
  const address = addressOf(directory)
  let server = await listen(address)
  if (server === undefined && !address.startsWith('\0') && !(await answers(address))) {
    await rm(address, { force: true })
    server = await listen(address)
  }
  if (server === undefined) {
    throw new LadingError(
      'catalog_unavailable',
      `The database in ${directory} is in use by another Lading that is running; stop that one, or choose another folder`,
    )
  }
  return { release: () => close(server) }
}

/** Whether some process holds it. */
export async function isHeld(directory: string): Promise<boolean> {
  return await answers(addressOf(directory))
}

/** Linux has names that are no files (unix(7), abstract sockets); elsewhere a killed process leaves its file behind. */
function addressOf(directory: string): string {
  const name = `lading-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`)
}

async function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy())
  server.unref()
  server.listen(address)
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
}

async function answers(address: string): Promise<boolean> {
  const socket = createConnection(address)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  await once(server, 'close')
}
