import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { domain } from './proxy.ts'
import { wokenByEvents } from './woken.ts'

/** What a client of HTTP/2 sends: its fields besides those that every request has, by name. */
export type Http2Asks = {
  readonly token: string
  readonly method?: string
  readonly path?: string
  readonly service?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** The whole body; `open` leaves the request open for more. */
  readonly body?: string | Buffer
  readonly open?: boolean
}

/** An ordinary client of HTTP/2: Node's own, over TLS, whose certificate it takes as it is. */
export const http2Client = (port: number) => {
  const session: ClientHttp2Session = connect(`https://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    servername: `orders-svc.${domain}`,
  })
  session.on('error', () => undefined)
  let goneAway = false
  const { wake, when } = wokenByEvents((what) => `the client waited in vain for ${what}`)
  session.on('goaway', () => {
    goneAway = true
    setImmediate(wake)
  })
  session.on('close', wake)

  const start = (asks: Http2Asks) => {
    const {
      token,
      method = 'GET',
      path = '/v1/orders',
      service = 'orders-svc',
      headers = {},
      body,
      open,
    } = asks
    const stream = session.request(
      {
        ':method': method,
        ':path': path,
        ':authority': `${service}.${domain}`,
        authorization: `Bearer ${token}`,
        ...headers,
      },
      { endStream: body === undefined && open !== true },
    )
    const it = watchStream(stream)
    if (body !== undefined && open !== true) stream.end(body)
    else if (body !== undefined) stream.write(body)
    return it
  }

  return {
    session,
    /** Asks, and is not waited for. */
    start,
    /** Asks, and answers with the whole answer. */
    ask: async (asks: Http2Asks) => {
      const it = start(asks)
      await it.over()
      return it
    },
    hasGoneAway: (): boolean => goneAway,
    goneAway: (): Promise<void> => when(() => goneAway, 'GOAWAY'),
    /** It takes no more requests. */
    closing: (): Promise<void> => when(() => session.closed, 'the connection to take no more'),
    closed: (): Promise<void> => when(() => session.destroyed, 'the connection to close'),
    end: (): void => session.destroy(),
  }
}
export type Http2Client = ReturnType<typeof http2Client>

/** One stream, as it is told of. */
export const watchStream = (stream: ClientHttp2Stream) => {
  const { wake, when } = wokenByEvents(
    (what) =>
      `the stream waited in vain for ${what}; it has ${it.status} ${JSON.stringify(it.body.slice(0, 300))}`,
  )
  const it = {
    stream,
    status: undefined as number | undefined,
    headers: {} as Readonly<Record<string, unknown>>,
    /** Informational answers before, by status. */
    before: [] as number[],
    trailers: {} as Readonly<Record<string, unknown>>,
    body: '',
    size: 0,
    ended: false,
    closed: false,
    /** The code that it was reset with; 0 where it ended by itself. */
    code: (): number => stream.rstCode,
    when,
    over: (): Promise<void> => when(() => it.closed, 'its end'),
    says: (text: string): Promise<void> => when(() => it.body.includes(text), text),
    answered: (): Promise<void> => when(() => it.status !== undefined || it.closed, 'an answer'),
    cancel: (): void => stream.close(constants.NGHTTP2_CANCEL),
  }
  stream.on('headers', (headers) => void it.before.push(headers[':status'] ?? 0))
  stream.on('response', (headers) => {
    it.status = headers[':status']
    it.headers = headers
    wake()
  })
  stream.on('trailers', (trailers) => {
    it.trailers = trailers
    wake()
  })
  stream.on('data', (chunk: Buffer) => {
    it.size += chunk.length
    if (it.body.length < 65_536) it.body += chunk.toString('latin1')
    wake()
  })
  stream.on('end', () => {
    it.ended = true
    wake()
  })
  stream.on('error', wake)
  stream.on('close', () => {
    it.closed = true
    wake()
  })
  return it
}
