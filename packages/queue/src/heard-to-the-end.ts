import type { PostgresConnection } from 'bullmq'

type ListenClient = Awaited<ReturnType<PostgresConnection['getListenClient']>>

/**
 * Has somebody listen for errors of the connection's listening client until it is gone. BullMQ, closing, takes away all of
 * its listeners before it ends it; a server that says goodbye in that moment would be an error that nobody hears of, and
 * those end the process.
 */
export function heardToTheEnd(connection: PostgresConnection): void {
  const known = new WeakSet<ListenClient>()
  const getListenClient = connection.getListenClient.bind(connection)
  connection.getListenClient = async () => {
    const client = await getListenClient()
    if (!known.has(client)) keepOneListener(client)
    known.add(client)
    return client
  }
}

function keepOneListener(client: ListenClient): void {
  const removeAllListeners = client.removeAllListeners.bind(client)
  client.removeAllListeners = (...events: [] | [string]) => {
    removeAllListeners(...events)
    client.on('error', () => undefined)
    return client
  }
}
