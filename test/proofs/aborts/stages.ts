import { domain, handshakeHeaders } from '../../builders/proxy.ts'
import { frame } from '../../builders/raw-client.ts'
import {
  endHeaders,
  endStream,
  type Fields,
  frames,
  http2Frame,
  literals,
} from '../../builders/raw-http2-client.ts'
import type { Client, Over } from './clients.ts'

/** One request of a stage: what it asks for, and in which stream. */
export type Asked = { readonly path: string; readonly token: string; readonly stream: number }

/** What shows that every request of a wave is where it is to be aborted; `sent` where only the proxy could tell. */
export type Sign = 'sent' | 'at the service' | 'at the silent service' | 'answered' | 'stuck'

export type Stage = {
  readonly name: string
  readonly over: Over
  /** Without the number that makes it one of a kind. */
  readonly path: string
  readonly begin: (client: Client, asked: Asked) => void
  /** What is sent once the sign was seen. */
  readonly goOn?: (client: Client) => void
  readonly sign: Sign
  /** A token that the proxy has never seen, for each request. */
  readonly fresh?: boolean
  /** Aborted one after the other while what was sent is worked on, so that some meet each moment of it. */
  readonly spread?: boolean
  readonly reads?: boolean
  /** How many at once, and how many streams on each connection. */
  readonly width?: number
  readonly streams?: number
}

const silent = 'silent-svc'
const deaf = 'deaf-svc'

/** An ordinary request, whole or the beginning of one. */
const request = (
  { path, token }: Asked,
  {
    method = 'GET',
    service = 'orders-svc',
    more = [],
    body = '',
  }: {
    readonly method?: string
    readonly service?: string
    readonly more?: readonly string[]
    readonly body?: string
  } = {},
): string =>
  [
    `${method} ${path} HTTP/1.1`,
    `Host: ${service}.${domain}`,
    `Authorization: Bearer ${token}`,
    ...more,
    '',
    body,
  ].join('\r\n')

const upload = (asked: Asked, body: string, more: readonly string[] = []): string =>
  request(asked, { method: 'POST', more: ['Content-Length: 1000', ...more], body })

const halfLine: Stage = {
  name: 'half a request line',
  over: 'tcp',
  path: '/v1/ok/',
  begin: (client, { path }) => client.send(`GET ${path}`),
  sign: 'sent',
}
const halfHeaders: Stage = {
  name: 'half the headers',
  over: 'tcp',
  path: '/v1/ok/',
  begin: (client, asked) => client.send(request(asked).slice(0, -20)),
  sign: 'sent',
}
const halfBody: Stage = {
  name: 'half the body',
  over: 'tcp',
  path: '/v1/ok/',
  begin: (client, asked) => client.send(upload(asked, 'x'.repeat(500))),
  sign: 'at the service',
}
const noAnswer: Stage = {
  name: 'waiting for the headers of the answer',
  over: 'tcp',
  path: '/v1/hold/',
  begin: (client, asked) => client.send(request(asked)),
  sign: 'at the service',
}
const halfAnswer: Stage = { ...noAnswer, name: 'half the answer', path: '/v1/half/', sign: 'answered' }
const heldAnswer: Stage = {
  ...noAnswer,
  name: 'a held-back answer',
  path: '/v1/flood/',
  sign: 'stuck',
  reads: false,
  width: 10,
}
const openEvents: Stage = { ...noAnswer, name: 'open events', path: '/v1/events/', sign: 'answered' }
const openWebSocket: Stage = {
  name: 'an open WebSocket in the middle of a frame',
  over: 'tcp',
  path: '/live/',
  begin: (client, asked) => client.send(request(asked, { more: handshakeHeaders })),
  goOn: (client) => client.send(frame('half of it', { claims: 1_000 })),
  sign: 'answered',
}

/** What is asked of a listener without TLS. */
export const plainStages: readonly Stage[] = [
  halfLine,
  halfHeaders,
  {
    name: 'an upload without its body',
    over: 'tcp',
    path: '/v1/ok/',
    begin: (client, asked) => client.send(upload(asked, '')),
    sign: 'sent',
  },
  halfBody,
  {
    name: 'half a chunk',
    over: 'tcp',
    path: '/v1/ok/',
    begin: (client, asked) =>
      client.send(
        request(asked, {
          method: 'POST',
          more: ['Transfer-Encoding: chunked'],
          body: '4\r\nhalf\r\n100\r\nhalf',
        }),
      ),
    sign: 'at the service',
  },
  {
    name: 'waiting for 100 Continue',
    over: 'tcp',
    path: '/v1/ok/',
    begin: (client, asked) => client.send(upload(asked, '', ['Expect: 100-continue'])),
    sign: 'sent',
    spread: true,
  },
  {
    name: '100 Continue received',
    over: 'tcp',
    path: '/v1/ok/',
    begin: (client, asked) => client.send(upload(asked, '', ['Expect: 100-continue'])),
    sign: 'answered',
  },
  { ...noAnswer, name: 'its token being verified', sign: 'sent', fresh: true, spread: true },
  {
    name: 'its record being written',
    over: 'tcp',
    path: '/v1/hold/',
    begin: (client, asked) =>
      client.send(request(asked, { method: 'POST', more: ['Content-Length: 4'], body: 'body' })),
    sign: 'sent',
    spread: true,
  },
  {
    name: 'connecting to the service',
    over: 'tcp',
    path: '/v1/ok/',
    begin: (client, asked) => client.send(request(asked, { service: deaf })),
    sign: 'sent',
  },
  noAnswer,
  halfAnswer,
  heldAnswer,
  openEvents,
  { ...noAnswer, name: 'answered, and the connection kept', path: '/v1/ok/', sign: 'answered' },
  {
    name: 'a handshake of a WebSocket, the service connecting',
    over: 'tcp',
    path: '/live/',
    begin: (client, asked) => client.send(request(asked, { service: deaf, more: handshakeHeaders })),
    sign: 'sent',
  },
  {
    name: 'a handshake of a WebSocket, under way',
    over: 'tcp',
    path: '/live/',
    begin: (client, asked) => client.send(request(asked, { service: silent, more: handshakeHeaders })),
    sign: 'at the silent service',
  },
  openWebSocket,
  {
    name: 'pipelined behind an open one',
    over: 'tcp',
    path: '/v1/hold/',
    begin: (client, asked) =>
      client.send(request(asked) + request({ ...asked, path: asked.path.replace('hold', 'never') })),
    sign: 'at the service',
  },
]

const fields = ({ path, token }: Asked, method: string): Fields => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', `orders-svc.${domain}`],
  [':path', path],
  ['authorization', `Bearer ${token}`],
]
const headers = (asked: Asked, method: string, flags: number): Buffer =>
  http2Frame(frames.headers, flags, asked.stream, literals(fields(asked, method)))
const get = (client: Client, asked: Asked): void => client.send(headers(asked, 'GET', endStream | endHeaders))
const overHttp2 = (stage: Stage): Stage => ({
  ...stage,
  name: `HTTP/2: ${stage.name}`,
  over: 'h2',
  begin: get,
  // The greeting of the connection comes back first, so only the service can tell.
  sign: stage.sign === 'answered' ? 'at the service' : stage.sign,
  streams: 4,
})
const overTls = (stage: Stage): Stage => ({ ...stage, name: `TLS: ${stage.name}`, over: 'tls' })

/** What is asked of a listener over TLS. */
export const tlsStages = (hello: Buffer): readonly Stage[] => [
  {
    name: 'TLS: half the first flight of the handshake',
    over: 'tcp',
    path: '/v1/ok/',
    begin: (client) => client.send(hello.subarray(0, hello.length / 2)),
    sign: 'sent',
  },
  {
    name: 'TLS: half the handshake',
    over: 'tcp',
    path: '/v1/ok/',
    begin: (client) => client.send(hello),
    sign: 'answered',
  },
  ...[halfHeaders, halfBody, noAnswer, halfAnswer, heldAnswer, openWebSocket].map(overTls),
  {
    ...overHttp2(halfHeaders),
    streams: 1,
    begin: (client, asked) => client.send(headers(asked, 'GET', endStream | endHeaders).subarray(0, -20)),
  },
  {
    ...overHttp2(halfHeaders),
    name: 'HTTP/2: headers that go on',
    streams: 1,
    begin: (client, asked) => client.send(headers(asked, 'GET', endStream)),
  },
  {
    ...overHttp2(halfBody),
    name: 'HTTP/2: an upload without its body',
    begin: (client, asked) => client.send(headers(asked, 'POST', endHeaders)),
    sign: 'sent',
  },
  {
    ...overHttp2(halfBody),
    begin: (client, asked) =>
      client.send(
        Buffer.concat([
          headers(asked, 'POST', endHeaders),
          http2Frame(frames.data, 0, asked.stream, Buffer.from('half')),
        ]),
      ),
  },
  {
    ...overHttp2(noAnswer),
    name: 'HTTP/2: its token being verified',
    sign: 'sent',
    fresh: true,
    spread: true,
  },
  {
    ...overHttp2(noAnswer),
    name: 'HTTP/2: its record being written',
    begin: (client, asked) => client.send(headers(asked, 'DELETE', endStream | endHeaders)),
    sign: 'sent',
    spread: true,
  },
  ...[noAnswer, halfAnswer, heldAnswer, openEvents].map(overHttp2),
]
