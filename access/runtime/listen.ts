import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Fault } from '../domain/errors.ts'
import type { Address } from './config.ts'

/** Listens, and says where; the fault names the address and the mend. */
export const listen = async (server: Server, { host, port }: Address) => {
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
  return {
    server,
    port: (server.address() as AddressInfo).port,
    /** Takes no new connections, and closes those left after `graceMs`. */
    close: (graceMs = 0): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), graceMs).unref()
      }),
  }
}

export type Listening = Awaited<ReturnType<typeof listen>>
