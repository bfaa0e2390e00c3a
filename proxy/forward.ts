import { type Dispatcher, Pool } from 'undici'
import type { Service } from '#access/domain/rule-set.ts'
import type { Exchange } from './exchange.ts'

const headersTimeoutMs = 30_000

/** Told how an exchange that was sent upstream ended. */
export type ForwardEnd = (exchange: Exchange, outcome: 'done' | 'aborted' | 'failed', error?: Error) => void

/** Where requests go: one pool of connections per release. */
export const createUpstreams = () => {
  const pools = new Map<string, Pool>()
  return {
    of: (service: Service): Pool => {
      const origin = service.releases[service.serve] as string
      const known = pools.get(origin)
      if (known !== undefined) return known
      // A stream may be silent for as long as its grant lives, so there is no time-out between body bytes.
      const pool = new Pool(origin, { headersTimeout: headersTimeoutMs, bodyTimeout: 0, pipelining: 1 })
      pools.set(origin, pool)
      return pool
    },
    close: async (): Promise<void> => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}
export type Upstreams = ReturnType<typeof createUpstreams>

/** Sends the exchange upstream and its answer back, both ways streamed with back-pressure. */
export const forward = (pool: Pool, exchange: Exchange, headers: string[], ended: ForwardEnd): void => {
  const { request, response, target } = exchange
  const handler = createHandler(exchange, ended)
  response.on('close', () => {
    if (!response.writableFinished) {
      ended(exchange, 'aborted')
      exchange.abort?.(clientGone)
    }
  })
  try {
    pool.dispatch(
      {
        path: target,
        method: request.method as Dispatcher.HttpMethod,
        headers,
        body: hasBody(exchange) ? request : null,
      },
      handler,
    )
  } catch (error) {
    handler.onError(error as Error)
  }
}

const clientGone = new Error('the client is gone')

/** Framing is Node's verdict: a request without a body is complete as soon as its headers are. */
const hasBody = ({ request }: Exchange): boolean => !request.complete || request.readableLength > 0

/**
 * undici's own handler interface (the one its newer one is wrapped around): raw header bytes, no promise and no
 * stream object per request.
 */
const createHandler = (exchange: Exchange, ended: ForwardEnd) => {
  const { response, request } = exchange
  let held: Buffer | undefined
  let length = -1
  let resumeUpstream: (() => void) | undefined
  const onDrain = (): void => resumeUpstream?.()

  return {
    onConnect: (abort: (reason?: Error) => void): void => {
      exchange.abort = abort
      if (exchange.outcome !== undefined) abort(clientGone)
    },
    onHeaders: (status: number, raw: Buffer[] | string[] | null, resume: () => void): boolean => {
      if (status < 200 || response.destroyed) return true
      resumeUpstream = resume
      exchange.status = status
      const answer = answerHeaders(raw ?? [])
      length = answer.length
      response.sendDate = false
      response.writeHead(status, answer.headers)
      if (length === -1 && request.method !== 'HEAD') response.flushHeaders()
      return true
    },
    onData: (chunk: Buffer): boolean => {
      if (response.destroyed) return true
      exchange.bytes += chunk.length
      // A whole small answer leaves in one write, headers included.
      if (chunk.length === length) {
        held = chunk
        return true
      }
      if (response.write(chunk)) return true
      response.once('drain', onDrain)
      return false
    },
    onComplete: (): void => {
      if (response.destroyed) return
      if (held === undefined) response.end()
      else response.end(held)
      ended(exchange, 'done')
    },
    onError: (error: Error): void => ended(exchange, 'failed', error),
  }
}

/** Hop-by-hop headers (RFC 9110 7.6.1), and what only we may say. */
const notPassed = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const passes = new Map<string, boolean>()
const passed = (name: string): boolean => {
  const known = passes.get(name)
  if (known !== undefined) return known
  const lower = name.toLowerCase()
  const pass = !notPassed.has(lower) && !lower.startsWith('x-pagepass-')
  if (passes.size < 1_000) passes.set(name, pass)
  return pass
}

const answerHeaders = (raw: readonly (Buffer | string)[]): { headers: string[]; length: number } => {
  const headers: string[] = []
  let length = -1
  let nominated = ''
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index])
    const value = text(raw[index + 1])
    if (passed(name)) {
      headers.push(name, value)
      if (name.length === 14 && name.toLowerCase() === 'content-length') length = Number(value)
    } else if (name.length === 10 && name.toLowerCase() === 'connection') nominated += `,${value}`
  }
  return { headers: nominated === '' ? headers : withoutNominated(headers, nominated), length }
}

const text = (part: Buffer | string | undefined): string =>
  typeof part === 'string' ? part : (part?.toString('latin1') ?? '')

const withoutNominated = (headers: string[], nominated: string): string[] => {
  const names = new Set(
    nominated
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
  return headers.filter((_, index) => {
    const name = (headers[index - (index % 2)] as string).toLowerCase()
    return name === 'content-length' || !names.has(name)
  })
}
