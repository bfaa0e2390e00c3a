import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type Moment, momentNow } from './moment.ts'
import type { StreamKind } from './service-main.ts'

/*
 * The clients of a proof, in a process of their own. They open streams and keep them, and send requests all the time.
 */

export type Wanted = {
  readonly port: number
  readonly host: string
  readonly token: string
  /** Unique among the streams; the last part of the path. */
  readonly tag: string
}
export type Order =
  | {
      readonly kind: 'open'
      readonly as: StreamKind
      readonly every: number
      readonly all: readonly Wanted[]
    }
  /** Each of them asks for `<under>/<tag>/<when it was sent>`, and again when it has an answer, after a pause. */
  | { readonly kind: 'ask'; readonly under: string; readonly every: number; readonly all: readonly Wanted[] }
  /** One request of each, one after the other without waiting for answers; answers once all are there. */
  | {
      readonly kind: 'volley'
      readonly under: string
      readonly apart: number
      readonly all: readonly Wanted[]
    }
  /** No more requests; answers with what came of them. */
  | { readonly kind: 'rest' }
  /** Closes every stream. */
  | { readonly kind: 'close' }

export type Asked = {
  readonly tag: string
  /** By the wall clock. */
  readonly sentAt: number
  readonly answeredAt: number
  /** 0 where there was no answer. */
  readonly status: number
}
export type Ended = {
  readonly tag: string
  readonly at: Moment
  /** By which a WebSocket was closed; undefined where it just broke off. */
  readonly code: number | undefined
}
/** What became of requests, the tags of streams that did not open, and what has ended of those that did. */
export type Done = {
  readonly asked: readonly Asked[]
  readonly refused: readonly string[]
  readonly ended: readonly Ended[]
}

const frame = Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1])
const chunkOfUpload = Buffer.from('1\r\nx\r\n')
const headersOf: Readonly<Partial<Record<StreamKind, readonly string[]>>> = {
  upload: ['Transfer-Encoding: chunked'],
  socket: [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ],
}
/** Whoever is refused hears so before. */
const unansweredMs = 500
const atOnce = 32
const sockets = new Set<Socket>()
let asked: Asked[] = []
let ended: Ended[] = []
let asking = 0
let rests = true
let allRest: (() => void) | undefined

/** Whether it opened, once the answer has begun. */
const openOne = (as: StreamKind, every: number, wanted: Wanted): Promise<boolean> =>
  new Promise((resolve) => {
    const { port, host, token, tag } = wanted
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let answer = ''
    let opened = false
    let code: number | undefined
    let timer: NodeJS.Timeout | undefined
    const sendOn = (what: Buffer): void => {
      opened = true
      sockets.add(socket)
      timer = setInterval(() => socket.writable && socket.write(what), every)
      resolve(true)
    }
    // It is answered when it is over, or refused.
    const unanswered = as === 'upload' ? setTimeout(sendOn, unansweredMs, chunkOfUpload) : undefined
    socket.on('data', (chunk: Buffer) => {
      if (opened && as === 'socket') code ??= closeCodeIn(chunk)
      if (opened) return
      clearTimeout(unanswered)
      answer += chunk.toString('latin1')
      const status = /^HTTP\/1.1 (\d+)/.exec(answer)?.[1]
      if (status === undefined || !answer.includes('\r\n\r\n')) return
      if (status !== (as === 'socket' ? '101' : '200')) {
        socket.destroy()
        return resolve(false)
      }
      if (as === 'socket') return sendOn(frame)
      opened = true
      sockets.add(socket)
      resolve(true)
    })
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearInterval(timer)
      clearTimeout(unanswered)
      sockets.delete(socket)
      if (opened) ended.push({ tag, at: momentNow(), code })
      resolve(false)
    })
    const method = as === 'upload' ? 'POST' : 'GET'
    const target = as === 'socket' ? `/live/${tag}` : `/v1/${as}/${tag}?every=${every}`
    const lines = [`Host: ${host}`, `Authorization: Bearer ${token}`, ...(headersOf[as] ?? [])]
    socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  })

/** The code of the close frame among these, which come whole and are all short; undefined where there is none. */
const closeCodeIn = (chunk: Buffer): number | undefined => {
  for (let at = 0; at + 1 < chunk.length; at += 2 + ((chunk[at + 1] ?? 0) & 0x7f))
    if (chunk[at] === 0x88 && at + 3 < chunk.length) return chunk.readUInt16BE(at + 2)
  return undefined
}

const agent = new Agent({ keepAlive: true })

const askOnce = (under: string, { port, host, token, tag }: Wanted): Promise<Asked> =>
  new Promise((resolve) => {
    const sentAt = Date.now()
    const done = (status: number): void => resolve({ tag, sentAt, answeredAt: Date.now(), status })
    const headers = { host, authorization: `Bearer ${token}` }
    const options = {
      agent,
      host: '127.0.0.1',
      port,
      headers,
      path: `${under}/${tag}/${sentAt}`,
      timeout: 30_000,
    }
    get(options, (response) => {
      response.resume()
      response.on('end', () => done(response.statusCode ?? 0))
      response.on('error', () => done(0))
    })
      .on('error', () => done(0))
      .on('timeout', function onTimeout(this: { destroy: () => void }) {
        this.destroy()
      })
  })

const askOn = async (under: string, every: number, wanted: Wanted): Promise<void> => {
  asking += 1
  while (!rests) {
    asked.push(await askOnce(under, wanted))
    await new Promise((resolve) => setTimeout(resolve, every))
  }
  asking -= 1
  if (asking === 0) allRest?.()
}

const carryOut = async (order: Order): Promise<readonly string[]> => {
  switch (order.kind) {
    case 'open': {
      const left = [...order.all]
      const refused: string[] = []
      const lane = async (): Promise<void> => {
        for (let one = left.pop(); one !== undefined; one = left.pop()) {
          if (!(await openOne(order.as, order.every, one))) refused.push(one.tag)
        }
      }
      await Promise.all(Array.from({ length: atOnce }, lane))
      return refused
    }
    case 'ask':
      rests = false
      for (const one of order.all) void askOn(order.under, order.every, one)
      return []
    case 'volley': {
      const all: Promise<Asked>[] = []
      for (const one of order.all) {
        all.push(askOnce(order.under, one))
        await new Promise((resolve) => setTimeout(resolve, order.apart))
      }
      asked.push(...(await Promise.all(all)))
      return []
    }
    case 'rest':
      rests = true
      if (asking > 0)
        await new Promise<void>((resolve) => {
          allRest = resolve
        })
      return []
    case 'close':
      for (const socket of sockets) socket.destroy()
      return []
  }
}

process.on('message', (order: Order) => {
  void carryOut(order).then((refused) => {
    process.send?.({ asked, refused, ended } satisfies Done)
    asked = []
    ended = []
  })
})
process.on('disconnect', () => process.exit())
