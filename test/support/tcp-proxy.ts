import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * What a network does: `open` passes all on, `reset` breaks every connection and refuses new ones by breaking them too,
 * `silent` keeps what comes until it is open again, as packets that are sent and sent again.
 */
export type Network =
  | 'open'
  | 'reset'
  | 'silent'
  | { readonly bytesPerSecond: number }
  /** Breaks each connection after so many bytes from its client. */
  | { readonly cutAfter: number }

/** Stands between processes and a server, on loopback. */
export interface TcpProxy {
  readonly port: number
  /** For all connections, also those that are there. */
  network: Network
  close(): Promise<void>
}

export async function startTcpProxy(serverPort: number): Promise<TcpProxy> {
  const wire = new Wire()
  const server = createServer({ allowHalfOpen: false }, (client) => wire.join(client, serverPort))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get network() {
      return wire.network
    },
    set network(network) {
      wire.become(network)
    },
    close: async () => {
      wire.become('reset')
      server.close()
      await once(server, 'close')
    },
  }
}

class Wire {
  network: Network = 'open'
  readonly #sockets = new Set<Socket>()
  #changed = Promise.withResolvers<void>()

  become(network: Network): void {
    this.network = network
    if (network === 'reset') for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  join(client: Socket, port: number): void {
    if (this.network === 'reset') {
      client.resetAndDestroy()
      return
    }
    const server = createConnection(port, '127.0.0.1')
    const pair = [client, server]
    for (const socket of pair) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      // What breaks one side breaks the other: that is all there is to an error here.
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const other of pair) if (other !== socket) other.destroySoon()
      })
    }
    void this.#carry(client, server, true)
    void this.#carry(server, client, false)
  }

  async #carry(from: Socket, to: Socket, fromClient: boolean): Promise<void> {
    let carried = 0
    try {
      for await (const chunk of from) {
        carried += chunk.length
        await this.#pass(chunk.length)
        if (fromClient && this.#isCutAfter(carried)) {
          from.resetAndDestroy()
          to.resetAndDestroy()
          return
        }
        if (!to.write(chunk)) await once(to, 'drain')
      }
      to.end()
    } catch {
      // One of the two is broken, and takes the other with it.
      from.destroy()
      to.destroy()
    }
  }

  async #pass(bytes: number): Promise<void> {
    while (this.network === 'silent') await this.#changed.promise
    if (typeof this.network === 'object' && 'bytesPerSecond' in this.network)
      await delay((bytes / this.network.bytesPerSecond) * 1000)
  }

  #isCutAfter(carried: number): boolean {
    return typeof this.network === 'object' && 'cutAfter' in this.network && carried > this.network.cutAfter
  }
}
