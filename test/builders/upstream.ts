import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** One request as the upstream read it. */
export type Received = {
  readonly method: string
  readonly target: string
  /** Name, value, as sent. */
  readonly rawHeaders: readonly (readonly [string, string])[]
  body: string
  complete: boolean
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What it was to the server in front of this one, if there is another. */
  readonly read?: Reading
}

/** How a server reads a request. */
export type Reading = {
  /** Which kind of server. */
  readonly by: string
  readonly method: string
  readonly target: string
  /** The path by which it chooses what to do, as it normalises it. */
  readonly path: string
  /** The headers that say who asks, by their name in lower case: what it takes for their value. */
  readonly identity: Readonly<Record<string, string | undefined>>
}

export type Connection = {
  readonly socket: Socket
  /** Every byte that arrived, as latin1. */
  readonly bytes: () => string
  readonly closed: () => boolean
}

/** One WebSocket as the upstream sees it. */
export type Line = {
  readonly target: string
  /** Name, value, as sent. */
  readonly rawHeaders: readonly (readonly [string, string])[]
  readonly socket: WebSocket
  /** The texts that the client sent. */
  readonly messages: readonly string[]
  /** The code it was closed with; undefined while it is open. */
  readonly code: () => number | undefined
}

export type Answering = (request: IncomingMessage, response: ServerResponse, received: Received) => void
export type Script = (socket: Socket, received: () => string) => void

/** Events without end: one that says what was asked for, then more and more until somebody cuts it. */
export const events: Answering = (request, response) => {
  response.on('close', () => clearInterval(timer))
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${request.url}\n\n`)
  const timer = setInterval(() => response.write('data: more\n\n'), 5)
}

const hello: Answering = (request, response) => {
  request.on('end', () =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`hello ${request.url}\n`),
  )
}

/**
 * The service behind the proxy, which keeps every byte it received. It answers as a Node server does (`answer`), or
 * as a script writes on the bare socket (`script`), so that it can misbehave too.
 */
export const startUpstream = async () => {
  let connections: Connection[] = []
  let received: Received[] = []
  let answer: Answering = hello
  let script: Script | undefined
  let lines: Line[] = []
  const sockets = new Set<Socket>()
  const webSockets = new WebSocketServer({ noServer: true })

  const http = createHttpServer({ maxHeaderSize: 65_536, requestTimeout: 0, keepAliveTimeout: 60_000 })
  http.on('request', (request, response) => {
    const one: Received = {
      method: request.method ?? '',
      target: request.url ?? '',
      rawHeaders: pairs(request.rawHeaders),
      body: '',
      complete: false,
      request,
      response,
    }
    received.push(one)
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    request.on('data', (chunk: Buffer) => {
      one.body += chunk.toString('latin1')
    })
    request.on('end', () => {
      one.complete = true
    })
    answer(request, response, one)
  })

  http.on('upgrade', (request, socket, head) => {
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const messages: string[] = []
      let closed: number | undefined
      webSocket.on('error', () => undefined)
      webSocket.on('message', (message) => messages.push(String(message)))
      webSocket.on('close', (code) => {
        closed = code
      })
      lines.push({
        target: request.url ?? '',
        rawHeaders: pairs(request.rawHeaders),
        socket: webSocket,
        messages,
        code: () => closed,
      })
    })
  })

  const tcp = createServer((socket) => {
    let bytes = ''
    let closed = false
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      closed = true
      sockets.delete(socket)
    })
    connections.push({ socket, bytes: () => bytes, closed: () => closed })
    socket.once('data', (chunk: Buffer) => {
      socket.pause()
      socket.unshift(chunk)
      if (script === undefined) http.emit('connection', socket)
      // After the server took the socket: it would otherwise read past the listener.
      socket.on('data', (more: Buffer) => {
        bytes += more.toString('latin1')
      })
      socket.resume()
      script?.(socket, () => bytes)
    })
  })
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  const { port } = tcp.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    /** Every request since the last `forget`. */
    received: (): readonly Received[] => received,
    connections: (): readonly Connection[] => connections,
    /** Every WebSocket since the last `forget`. */
    lines: (): readonly Line[] => lines,
    /** Every byte since the last `forget`, of all connections opened since. */
    bytes: (): string => connections.map((one) => one.bytes()).join(''),
    answerWith: (answering: Answering): void => {
      answer = answering
    },
    /** Connections are answered by the script, from their first byte on. */
    scriptWith: (writing: Script | undefined): void => {
      script = writing
    },
    /** Answers `hello` again, and forgets what it received. Open connections are closed. */
    forget: (): void => {
      answer = hello
      script = undefined
      received = []
      connections = []
      lines = []
      for (const socket of sockets) socket.destroy()
    },
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => tcp.close(() => resolve()))
    },
  }
}
export type Upstream = Awaited<ReturnType<typeof startUpstream>>

const pairs = (flat: readonly string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2] ?? '', flat[index * 2 + 1] ?? ''])

/** The one request that reached it. */
export const onlyRequestTo = (upstream: Pick<Upstream, 'received'>): Received => {
  const [first, ...more] = upstream.received()
  if (first === undefined || more.length > 0)
    throw new Error(`${upstream.received().length} requests reached the upstream`)
  return first
}

/** The values of a header that the upstream received, by its name in lower case. */
export const valuesOf = ({ rawHeaders }: Pick<Received, 'rawHeaders'>, name: string): string[] =>
  rawHeaders.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
