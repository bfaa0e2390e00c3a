import { WebSocket } from 'ws'
import { preciseNow } from '#infra/sandbox/services/streams.ts'
import type { Call } from './http-client.ts'

export type Closed = { readonly code: number; readonly reason: string; readonly at: number }

/** Opens a WebSocket with a Host header and token of its own; resolves once it is open. Rejects when it is refused. */
export const openSocket = async ({ port, host, path, token }: Call) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: {
      host: `${host}:${port}`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  })
  const closed = new Promise<Closed>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString(), at: preciseNow() }))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => undefined)

  return {
    closed,
    /** Sends a text, and resolves with the next one that comes. */
    echo: (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        socket.once('message', (data: Buffer) => resolve(data.toString()))
        void closed.then(({ code }) => reject(new Error(`closed with ${code} before the echo`)))
        socket.send(text)
      }),
    /** Sends without a pause until it is closed. */
    flood: (): void => {
      const timer = setInterval(() => {
        if (socket.readyState === WebSocket.OPEN) socket.send('more')
        else clearInterval(timer)
      }, 2)
    },
    close: (): void => socket.terminate(),
  }
}
