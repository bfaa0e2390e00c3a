import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { stampedFrame } from './stamped-frame.ts'

/** What the clients are told to do. Each is answered once it is done. */
export type Order =
  | { readonly kind: 'open'; readonly port: number; readonly token: string; readonly count: number }
  /** So many of the open sockets send frames from now on, as fast as they are taken. */
  | { readonly kind: 'flood'; readonly sockets: number }
  /** Answered once every socket is gone. */
  | { readonly kind: 'await end' }
  | { readonly kind: 'close' }

export type Done = {
  /** When each socket saw its end (nanoseconds of the monotonic clock): a close frame, or else its connection's. */
  readonly ends: readonly bigint[]
  /** How many were told 1008 before their connection ended. */
  readonly told: number
  readonly frames: number
}

type Open = { readonly socket: Socket; flooding: boolean }

const atOnce = 64
const pauseMs = 1
const sockets = new Set<Open>()
let ends: bigint[] = []
let told = 0
let frames = 0
let allGone: (() => void) | undefined

const openOne = (port: number, token: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const one: Open = { socket, flooding: false }
    let answer = ''
    let agreed = false
    let ended = false
    const end = (): void => {
      if (ended) return
      ended = true
      one.flooding = false
      ends.push(process.hrtime.bigint())
    }
    socket.on('data', (chunk: Buffer) => {
      if (agreed) {
        if (chunk[0] !== 0x88) return
        if (chunk.readUInt16BE(2) === 1008 && !ended) told += 1
        return end()
      }
      answer += chunk.toString('latin1')
      if (!answer.endsWith('\r\n\r\n')) return
      if (!answer.startsWith('HTTP/1.1 101')) return reject(new Error(answer))
      agreed = true
      sockets.add(one)
      resolve()
    })
    socket.on('end', end)
    socket.on('error', (error) => {
      if (agreed) end()
      else reject(error)
    })
    socket.on('close', () => {
      if (!agreed) return reject(new Error(`closed before it was open: ${answer}`))
      end()
      sockets.delete(one)
      if (sockets.size === 0) allGone?.()
    })
    socket.write(
      `GET /v1/events HTTP/1.1\r\nHost: orders-svc.localhost\r\nAuthorization: Bearer ${token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    )
  })

/** A frame a millisecond, or as soon as the last one was taken. */
const flood = (one: Open): void => {
  if (!one.flooding || !one.socket.writable) return
  frames += 1
  const next = (): void => void setTimeout(flood, pauseMs, one)
  if (one.socket.write(stampedFrame())) next()
  else one.socket.once('drain', next)
}

const carryOut = async (order: Order): Promise<void> => {
  switch (order.kind) {
    case 'open': {
      let left = order.count
      const line = async (): Promise<void> => {
        for (; left > 0; ) {
          left -= 1
          await openOne(order.port, order.token)
        }
      }
      await Promise.all(Array.from({ length: atOnce }, line))
      return
    }
    case 'flood':
      for (const one of [...sockets].slice(0, order.sockets)) {
        one.flooding = true
        flood(one)
      }
      return
    case 'close':
      for (const { socket } of sockets) socket.destroy()
  }
  if (sockets.size > 0)
    await new Promise<void>((resolve) => {
      allGone = resolve
    })
}

process.on('message', (order: Order) => {
  carryOut(order).then(
    () => {
      process.send?.({ ends, told, frames } satisfies Done)
      ends = []
      told = 0
      frames = 0
    },
    (error: Error) => process.send?.({ error: error.message }),
  )
})
