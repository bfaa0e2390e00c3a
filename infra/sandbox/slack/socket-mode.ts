import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import { ACK_DEADLINE_MS, type Acknowledgement } from './acknowledgement.ts'
import { BOT } from './workspace.ts'

/** https://docs.slack.dev/apis/events-api/using-socket-mode */
const MOST_CONNECTIONS = 10
const TICKET_LIFETIME_MS = 30_000
const PING_EVERY_MS = 10_000
/** What Slack tells a client of how long a connection lasts. */
const CONNECTION_SECONDS = 3600

export type EnvelopeType = 'slash_commands' | 'interactive'

type Connection = {
  readonly socket: WebSocket
  /** Acknowledgements awaited on it, by envelope. */
  readonly waiting: Map<string, (acknowledged: Acknowledgement) => void>
  /** Was asked to come again: gets no more envelopes. */
  refreshing: boolean
}

const ackSchema = z.object({ envelope_id: z.string(), payload: z.unknown().optional() })

/** The side of Slack of Socket Mode: hands out addresses for connections, and sends each envelope to one of them. */
export const createSocketMode = (now: () => number) => {
  const tickets = new Map<string, number>()
  const connections = new Set<Connection>()
  const server = new WebSocketServer({ noServer: true })
  let turn = 0

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    const url = URL.parse(request.url ?? '/', 'http://slack')
    const ticket = url?.searchParams.get('ticket') ?? ''
    const until = tickets.get(ticket)
    tickets.delete(ticket)
    if (url?.pathname !== '/link' || until === undefined || now() > until) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    server.handleUpgrade(request, socket, head, accept)
  }

  const accept = (socket: WebSocket): void => {
    if (connections.size >= MOST_CONNECTIONS) {
      send(socket, { type: 'disconnect', reason: 'too_many_websockets', debug_info: debugInfo })
      return socket.close()
    }
    const connection: Connection = { socket, waiting: new Map(), refreshing: false }
    connections.add(connection)
    const ping = setInterval(() => socket.ping(), PING_EVERY_MS)
    socket.on('message', (data) => settle(connection, String(data)))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      clearInterval(ping)
      connections.delete(connection)
      for (const resolve of connection.waiting.values()) resolve({ ok: false, failure: 'dispatch_failed' })
    })
    send(socket, {
      type: 'hello',
      num_connections: connections.size,
      debug_info: { ...debugInfo, approximate_connection_time: CONNECTION_SECONDS },
      connection_info: { app_id: BOT.app },
    })
  }

  const settle = (connection: Connection, text: string): void => {
    const read = ackSchema.safeParse(parsed(text))
    if (!read.success) return
    const { envelope_id, payload } = read.data
    connection.waiting.get(envelope_id)?.({ ok: true, ...bodyOf(payload) })
  }

  const open = (): readonly Connection[] =>
    [...connections].filter(({ socket, refreshing }) => socket.readyState === socket.OPEN && !refreshing)

  return {
    attach: (http: Server): void => void http.on('upgrade', upgrade),

    /** `base`: the HTTP address of the stand-in. Good for one connection, for half a minute. */
    address(base: string): string {
      const ticket = randomBytes(16).toString('hex')
      tickets.set(ticket, now() + TICKET_LIFETIME_MS)
      return `${base.replace(/^http/, 'ws')}/link?ticket=${ticket}&app_id=${BOT.app}`
    },

    connections: (): number => open().length,

    /** Sends it to one connection, each in its turn; undefined when there is none. */
    deliver(type: EnvelopeType, payload: unknown): Promise<Acknowledgement> | undefined {
      const ready = open()
      const connection = ready[turn % ready.length]
      if (!connection) return undefined
      turn += 1
      const envelope_id = randomUUID()
      const acknowledged = new Promise<Acknowledgement>((resolve) => {
        const late = setTimeout(
          () => connection.waiting.get(envelope_id)?.({ ok: false, failure: 'operation_timeout' }),
          ACK_DEADLINE_MS,
        )
        connection.waiting.set(envelope_id, (result) => {
          clearTimeout(late)
          connection.waiting.delete(envelope_id)
          resolve(result)
        })
      })
      // Only a command may be answered with its acknowledgement.
      const accepts_response_payload = type === 'slash_commands'
      send(connection.socket, { envelope_id, type, payload, accepts_response_payload })
      return acknowledged
    },

    /** Asks the oldest connections to come again, as Slack does every few hours; answers how many were asked. */
    refresh(count = Number.POSITIVE_INFINITY): number {
      const asked = open().slice(0, count)
      for (const connection of asked) {
        connection.refreshing = true
        send(connection.socket, { type: 'disconnect', reason: 'refresh_requested', debug_info: debugInfo })
      }
      return asked.length
    },

    close(): void {
      for (const { socket } of connections) socket.terminate()
    },
  }
}

export type SocketMode = ReturnType<typeof createSocketMode>

const debugInfo = { host: 'applink-sandbox', build_number: 1 }

const send = (socket: WebSocket, message: object): void => socket.send(JSON.stringify(message))

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An acknowledgement with nothing in it is as good as an empty body. */
const bodyOf = (payload: unknown): { readonly body: string; readonly isJson: boolean } => {
  const isEmpty = payload === undefined || payload === null || Object.keys(payload).length === 0
  return isEmpty ? { body: '', isJson: false } : { body: JSON.stringify(payload), isJson: true }
}
