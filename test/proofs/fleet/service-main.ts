import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Moment, momentNow } from './moment.ts'

/*
 * The service behind the proxies of a proof, in a process of its own, so that what it sees is not late because somebody
 * else is busy. It notes each request, and of each stream when its last byte came or could be sent.
 */

export type StreamKind = 'events' | 'socket' | 'download' | 'upload'
export type Stream = {
  /** What the client calls it. */
  readonly tag: string
  readonly kind: StreamKind
  readonly openedAt: Moment
  /** When the last frame of the client came. */
  lastFrame: Moment | undefined
  /** When its connection ended, or the close frame came. */
  endedAt: Moment | undefined
}
export type Request = { readonly path: string; readonly at: Moment }
/** What was seen since it was last asked; streams that are still open are told again. */
export type Saw = { readonly streams: readonly Stream[]; readonly requests: readonly Request[] }

/** To the client: binary, of one byte. */
const frame = Buffer.from([0x82, 0x01, 1])
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
let streams: Stream[] = []
let requests: Request[] = []

const open = (url: URL, kind: Stream['kind']): Stream => {
  const stream = { tag: tagOf(url), kind, openedAt: momentNow(), lastFrame: undefined, endedAt: undefined }
  streams.push(stream)
  return stream
}
const kindOf = ({ pathname }: URL): StreamKind | undefined =>
  (['events', 'download', 'upload'] as const).find((kind) => pathname.startsWith(`/v1/${kind}/`))
const everyOf = ({ searchParams }: URL): number | undefined => Number(searchParams.get('every')) || undefined
const tagOf = ({ pathname }: URL): string => pathname.split('/').at(-1) ?? ''
const end = (stream: Stream) => (): void => {
  stream.endedAt ??= momentNow()
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const url = new URL(request.url ?? '/', 'http://service')
  const kind = kindOf(url)
  if (kind === undefined) {
    requests.push({ path: url.pathname, at: momentNow() })
    response.end('{}')
    return
  }
  const stream = open(url, kind)
  request.socket.on('end', end(stream))
  request.on('error', end(stream))
  response.on('error', end(stream))
  if (kind === 'upload') {
    request.on('data', () => {
      stream.lastFrame = momentNow()
    })
    request.on('close', end(stream))
    return
  }
  const [type, more] =
    kind === 'events'
      ? ['text/event-stream', 'data: more\n\n']
      : ['application/octet-stream', Buffer.alloc(16_384, 1)]
  response.writeHead(200, { 'content-type': type }).write('data: begun\n\n')
  const timer = setInterval(() => response.write(more), everyOf(url) ?? 100)
  response.on('close', () => {
    clearInterval(timer)
    end(stream)()
  })
})
server.on('upgrade', (request, socket) => {
  const url = new URL(request.url ?? '/', 'http://service')
  const stream = open(url, 'socket')
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  const every = everyOf(url)
  const timer =
    every === undefined ? undefined : setInterval(() => socket.writable && socket.write(frame), every)
  socket.on('data', (chunk: Buffer) => {
    // The proxy's close frame, which it sends in one piece: the end has come.
    if (chunk[0] === 0x88) return end(stream)()
    stream.lastFrame = momentNow()
  })
  socket.on('end', () => {
    end(stream)()
    socket.end()
  })
  socket.on('error', end(stream))
  socket.on('close', () => {
    clearInterval(timer)
    end(stream)()
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

process.on('message', () => {
  process.send?.({ streams, requests } satisfies Saw)
  streams = streams.filter(({ endedAt }) => endedAt === undefined)
  requests = []
})
process.on('disconnect', () => process.exit())
