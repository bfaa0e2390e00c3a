import { once } from 'node:events'
import type { Server } from 'node:http'

export type Listening = { readonly url: string; readonly port: number; close(): Promise<void> }

/** Listens on loopback only: nothing of the sandbox may be reached from another machine. */
export const listen = async (server: Server, port: number): Promise<Listening> => {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no TCP address.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
