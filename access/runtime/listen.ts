import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Fault } from '../domain/errors.ts'
import type { Address } from './config.ts'
import { OpenSet } from './open-set.ts'

const sweepMs = 50

/** Listens, and says where; the fault names the address and the mend. */
export const listen = async (server: Server, { host, port }: Address) => {
  // Node's own count forgets a connection that was upgraded, and then waits for it for ever.
  const connections = new OpenSet<{ readonly socket: Socket; place: number }>()
  server.on('connection', (socket: Socket) => {
    const connection = { socket, place: -1 }
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const mend =
        error.code === 'EADDRINUSE' ? 'stop what uses it, or choose another port' : 'choose another address'
      reject(
        new Fault('listen/failed', `can't listen on ${host}:${port} (${error.code})`, { mend, cause: error }),
      )
    })
    server.listen(port, host, resolve)
  })
  let sweep: NodeJS.Timeout | undefined
  const sweepIdle = (): void => {
    sweep ??= setInterval(() => server.closeIdleConnections(), sweepMs)
  }
  const closeIdle = server.closeIdleConnections.bind(server)

  return {
    server,
    port: (server.address() as AddressInfo).port,
    /** How many connections are open, whatever they carry. */
    connections: (): number => connections.size,
    /**
     * Takes no new connections, and closes each when what it carries is answered, however long that takes; one that
     * carries nothing once `closesIdle` says so.
     */
    takeNoMore: (closesIdle: () => boolean = () => true): void => {
      if (!server.listening) return
      // Node closes those with the listener, while a request may be on its way on one.
      server.closeIdleConnections = () => {
        if (closesIdle()) closeIdle()
      }
      server.close()
      sweepIdle()
    },
    /**
     * Takes no new connections, closes each when what it carries is answered, and after `graceMs` whatever is left.
     */
    close: (graceMs = 0): Promise<void> =>
      new Promise((resolve) => {
        server.closeIdleConnections = closeIdle
        sweepIdle()
        const late = setTimeout(() => {
          for (const { socket } of connections) socket.destroy()
        }, graceMs)
        server.close(() => {
          clearInterval(sweep)
          clearTimeout(late)
          resolve()
        })
      }),
  }
}

export type Listening = Awaited<ReturnType<typeof listen>>
