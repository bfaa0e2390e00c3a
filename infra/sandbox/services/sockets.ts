import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { preciseNow } from './streams.ts'

export type FrameRecord = { readonly at: number; readonly bytes: number; readonly binary: boolean }

/** One WebSocket as its upstream saw it. Times in milliseconds since 1970, with fractions. */
export type SocketRecord = {
  readonly id: number
  readonly path: string
  readonly openedAt: number
  /** The latest thousand messages received. */
  readonly frames: FrameRecord[]
  framesIn: number
  framesOut: number
  /** When the last byte came from the wire, also one of a ping or a half frame. */
  lastByteInAt: number
  /** When the last message was handed to the socket. */
  lastByteOutAt: number
  /** When the WebSocket's connection was closed; absent while it is open, as is the code. */
  closedAt?: number
  /** Of the close frame received; 1005 for one without a code, 1006 when the connection ended without one. */
  closeCode?: number
}

const KEPT_FRAMES = 1000

export type Behaviour = 'echo' | { readonly tickEveryMs: number }

/** WebSockets that answer what they are sent with the same, or count upwards by themselves. */
export const createSockets = () => {
  const records: SocketRecord[] = []
  const server = new WebSocketServer({ noServer: true })

  const follow = (socket: WebSocket, wire: Duplex, path: string, behaviour: Behaviour): void => {
    const at = preciseNow()
    const record: SocketRecord = {
      id: records.length + 1,
      path,
      openedAt: at,
      frames: [],
      framesIn: 0,
      framesOut: 0,
      lastByteInAt: at,
      lastByteOutAt: at,
    }
    records.push(record)

    const send = (message: Buffer | string, binary: boolean): void => {
      if (socket.readyState !== socket.OPEN) return
      socket.send(message, { binary })
      record.framesOut += 1
      record.lastByteOutAt = preciseNow()
    }

    wire.on('data', () => {
      record.lastByteInAt = preciseNow()
    })
    socket.on('message', (data, binary) => {
      const message = asBuffer(data)
      record.framesIn += 1
      record.frames.push({ at: preciseNow(), bytes: message.length, binary })
      if (record.frames.length > KEPT_FRAMES) record.frames.shift()
      if (behaviour === 'echo') send(message, binary)
    })
    const ticking =
      behaviour === 'echo'
        ? undefined
        : setInterval(() => send(String(record.framesOut + 1), false), behaviour.tickEveryMs)
    wire.once('close', () => {
      clearInterval(ticking)
      record.closedAt = preciseNow()
    })
    socket.on('close', (code) => {
      record.closeCode = code
    })
    // What breaks the protocol closes the connection; 'close' tells it.
    socket.on('error', () => {})
  }

  return {
    records: (): readonly SocketRecord[] => records,

    accept(request: IncomingMessage, wire: Duplex, head: Buffer, behaviour: Behaviour): void {
      server.handleUpgrade(request, wire, head, (socket) =>
        follow(socket, wire, request.url ?? '', behaviour),
      )
    },

    /** Ends every connection at once, without a close frame. */
    terminate(): void {
      for (const socket of server.clients) socket.terminate()
    },
  }
}

const asBuffer = (data: RawData): Buffer => {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
