import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { wokenByEvents } from './woken.ts'

/** One answer as it stood on the wire. Header names are in lower case; a repeated one keeps all its values. */
export type Answer = {
  readonly version: string
  readonly status: number
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: string
}

export type Talk = {
  /** Every byte that came back, as latin1. */
  readonly text: string
  readonly answers: readonly Answer[]
  /** What came after the last complete answer. */
  readonly rest: string
  readonly closed: boolean
}

/** A client that sends exactly the bytes it is told to, over TCP or over TLS (whose certificate it takes as it is). */
export const rawClient = (port: number, over: 'tcp' | 'tls' = 'tcp') => {
  const at = { port, host: '127.0.0.1', allowHalfOpen: true }
  const socket: Socket =
    over === 'tcp'
      ? connect(at)
      : connectTls({ ...at, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  let text = ''
  let size = 0
  let closed = false
  let ended = false
  const { wake, when } = wokenByEvents(
    (what) => `the client waited in vain for ${what}; it has: ${JSON.stringify(text.slice(0, 600))}`,
  )
  socket.setNoDelay(true)
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    size += chunk.length
    wake()
  })
  socket.on('end', () => {
    ended = true
    wake()
  })
  socket.on('close', () => {
    closed = true
    wake()
  })

  return {
    socket,
    send: (bytes: string | Buffer): void => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    },
    text: (): string => text,
    /** How many bytes came back. */
    size: (): number => size,
    isClosed: (): boolean => closed || ended,
    when,
    /** Waits for so many final answers, or for the other side to close. */
    answers: async (count = 1, methods: readonly string[] = []): Promise<Talk> => {
      await when(
        () => ended || closed || readAnswers(text, methods, false).answers.length >= count,
        `${count} answers`,
      )
      return { text, closed: ended || closed, ...readAnswers(text, methods, ended || closed) }
    },
    closed: (): Promise<void> => when(() => ended || closed, 'the other side to close'),
    end: (): void => void socket.destroy(),
    /** Ends with a reset, which the other side meets as an error. */
    reset: (): void => void socket.resetAndDestroy(),
  }
}
export type RawClient = ReturnType<typeof rawClient>

/** Sends these bytes on a connection of their own, and waits for so many answers or the end. */
export const talk = async (
  port: number,
  bytes: string | Buffer,
  { answers = 1, methods = [] }: { readonly answers?: number; readonly methods?: readonly string[] } = {},
): Promise<Talk> => {
  const client = rawClient(port)
  client.send(bytes)
  try {
    return await client.answers(answers, methods)
  } finally {
    client.end()
  }
}

/** The problem details of a refusal. */
export const problemOf = ({ body }: Answer): Record<string, unknown> =>
  JSON.parse(Buffer.from(body, 'latin1').toString()) as Record<string, unknown>

/** The first answer to these bytes. */
export const ask = async (port: number, bytes: string | Buffer): Promise<Answer> => {
  const method = bytes.toString('latin1').split(' ')[0] ?? ''
  const { answers, text } = await talk(port, bytes, { methods: [method] })
  const [first] = answers
  if (first === undefined) throw new Error(`no answer; the bytes were ${JSON.stringify(text)}`)
  return first
}

/** The answers in these bytes, in order, without informational ones. `methods` are those of the requests. */
export const readAnswers = (
  text: string,
  methods: readonly string[],
  ended: boolean,
): { readonly answers: Answer[]; readonly rest: string } => {
  const answers: Answer[] = []
  let at = 0
  for (;;) {
    const answer = readOne(text, at, methods[answers.length] ?? 'GET', ended)
    if (answer === undefined) return { answers, rest: text.slice(at) }
    at = answer.next
    if (answer.status >= 200) answers.push(answer)
  }
}

const readOne = (
  text: string,
  from: number,
  method: string,
  ended: boolean,
): (Answer & { readonly next: number }) | undefined => {
  const end = text.indexOf('\r\n\r\n', from)
  if (end === -1) return undefined
  const [first = '', ...lines] = text.slice(from, end).split('\r\n')
  const [, version = '', status = ''] = /^HTTP\/(\d\.\d) (\d{3})/.exec(first) ?? []
  const headers: Record<string, string[]> = Object.create(null)
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    headers[name] = [...(headers[name] ?? []), line.slice(colon + 1).trim()]
  }
  const start = end + 4
  const answer = { version, status: Number(status), headers }
  if (answer.status < 200 || answer.status === 204 || answer.status === 304 || method === 'HEAD')
    return { ...answer, body: '', next: start }
  if (headers['transfer-encoding'] !== undefined) return readChunks(answer, text, start)
  const length = headers['content-length']?.[0]
  if (length === undefined)
    return ended ? { ...answer, body: text.slice(start), next: text.length } : undefined
  const next = start + Number(length)
  return next > text.length ? undefined : { ...answer, body: text.slice(start, next), next }
}

const readChunks = (
  answer: Omit<Answer, 'body'>,
  text: string,
  start: number,
): (Answer & { readonly next: number }) | undefined => {
  let body = ''
  let at = start
  for (;;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    if (Number.isNaN(size) || text.length < line + 2 + size + 2) return undefined
    at = line + 2 + size + 2
    if (size === 0) return { ...answer, body, next: at }
    body += text.slice(line + 2, line + 2 + size)
  }
}

/** A frame of a WebSocket (RFC 6455 5.2). `claims` is a length that is not that of the payload. */
export const frame = (
  payload: string,
  {
    masked = true,
    first = 0x81,
    claims = payload.length,
  }: { readonly masked?: boolean; readonly first?: number; readonly claims?: number } = {},
): Buffer => {
  const bytes = Buffer.from(payload, 'latin1')
  const length = claims < 126 ? [claims] : [126, claims >> 8, claims & 0xff]
  const [short = 0, ...more] = length
  const mask = masked ? [1, 2, 3, 4] : []
  return Buffer.concat([
    Buffer.from([first, short | (masked ? 0x80 : 0), ...more, ...mask]),
    bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0)),
  ])
}
