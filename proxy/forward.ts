import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { Service } from '#access/domain/rule-set.ts'
import type { Exchange } from './exchange.ts'
import { createHttp2Upstreams } from './http2/upstreams.ts'
import { type AddressGuard, portOf } from './upstream-address.ts'
import type { ClientResponse } from './wire.ts'

/** Told how an exchange that was sent upstream ended. */
export type ForwardEnd<One extends Exchange = Exchange> = (
  exchange: One,
  outcome: 'done' | 'aborted' | 'failed',
  error?: Error,
) => void

/** Where requests go: one pool of connections per service, and none to an address that no service has. */
export const createUpstreams = (guard: AddressGuard) => {
  const pools = new Map<Service, Pool>()
  const http2 = createHttp2Upstreams(guard)
  return {
    http2,
    of: (service: Service): Pool => {
      const known = pools.get(service)
      if (known !== undefined) return known
      const { connect, headers, idle } = service.timeouts
      const origin = service.releases[service.serve] as string
      const pool = new Pool(origin, {
        connect: guardedConnect(guard, origin, { timeout: connect }),
        headersTimeout: headers,
        // A stream may be silent for as long as its grant lives.
        bodyTimeout: idle ?? 0,
        pipelining: 1,
      })
      pools.set(service, pool)
      return pool
    },
    close: async (): Promise<void> => {
      http2.close()
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}
export type Upstreams = ReturnType<typeof createUpstreams>

/** Connects to this origin, and to no address that the guard refuses. */
export const guardedConnect = (
  guard: Pick<AddressGuard, 'check' | 'lookupFor'>,
  origin: string,
  options: buildConnector.BuildOptions,
): buildConnector.connector => {
  const url = new URL(origin)
  const port = portOf(url)
  const connect = buildConnector({ ...options, lookup: guard.lookupFor(port) })
  return (to, connected) => {
    try {
      guard.check(url.hostname, port)
    } catch (error) {
      return connected(error as Error, null)
    }
    connect(to, connected)
  }
}

/** undici's names for what took longer than the time-outs say. */
export const lateNames = new Set(['HeadersTimeoutError', 'ConnectTimeoutError'])

/** Sends the exchange upstream and its answer back, both ways streamed with back-pressure. */
export const forward = <One extends Exchange>(
  pool: Pool,
  exchange: One,
  headers: string[],
  ended: ForwardEnd<One>,
  answered: (exchange: One) => void,
): void => {
  const { request, response, target } = exchange
  const handler = createHandler(exchange, ended, answered)
  response.on('close', () => {
    if (!response.writableFinished) {
      ended(exchange, 'aborted')
      exchange.abort?.(clientGone)
    }
  })
  if (exchange.waitsToSend && exchange.hasBody) response.writeContinue()
  try {
    pool.dispatch(
      {
        path: target,
        method: request.method as Dispatcher.HttpMethod,
        headers,
        body: exchange.hasBody ? request : null,
      },
      handler,
    )
  } catch (error) {
    handler.onError(error as Error)
  }
}

const longestAsText = 16_384

const clientGone = new Error('the client is gone')

/**
 * undici's own handler interface (the one its newer one is wrapped around): raw header bytes, no promise and no
 * stream object per request.
 */
const createHandler = <One extends Exchange>(
  exchange: One,
  ended: ForwardEnd<One>,
  answered: (exchange: One) => void,
) => {
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
      if (response.destroyed) return true
      if (status < 200) {
        if (status === 103) passHints(exchange, raw ?? [])
        return true
      }
      resumeUpstream = resume
      exchange.status = status
      answered(exchange)
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
    onComplete: (trailers: Buffer[] | string[] | null): void => {
      if (response.destroyed) return
      if (trailers !== null && trailers.length > 0) passTrailers(response, trailers)
      if (held === undefined) response.end()
      else if (held.length > longestAsText) response.end(held)
      // A string leaves in one piece with the headers; a buffer would make them two for the kernel.
      else response.end(held.toString('latin1'), 'latin1')
      ended(exchange, 'done')
    },
    onError: (error: Error & { readonly code?: string }): void => {
      // A 304 may tell the length of the body that it does not have (RFC 9110 15.4.5); undici misses the body.
      if (exchange.status === 304 && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
        response.end()
        ended(exchange, 'done')
      } else ended(exchange, 'failed', error)
    },
  }
}

const mostHints = 4

/**
 * What passes for a link of an early hint (RFC 8297). Node's own check takes exponentially long on some texts, so it gets
 * to see only what this one, which looks at each character once, has let through.
 */
const hint = /^<[^<>"\s]{1,1000}>(?:; ?[a-z]{1,20}=(?:[a-z0-9/_.-]{1,60}|"[a-z0-9/_.-]{1,60}")){1,4}$/i

/** Passes a few on, and no more than a client may leave unread. */
const passHints = (exchange: Exchange, raw: readonly (Buffer | string)[]): void => {
  const { response } = exchange
  if (response.req.httpVersion === '1.0' || response.headersSent) return
  for (let index = 0; index < raw.length; index += 2) {
    const link = text(raw[index + 1])
    if (text(raw[index]).toLowerCase() !== 'link' || !hint.test(link)) continue
    if (exchange.hints === mostHints) return
    exchange.hints += 1
    try {
      response.writeEarlyHints({ link })
    } catch {}
  }
}

/** What means something before the body only, and would be taken for it by who merges trailers (RFC 9110 6.5.1). */
const notInTrailers =
  /^(?:content-|set-cookie|authorization|www-authenticate|location|cache-control|expires|age|date|host|vary|etag|access-control-)/i

/** Trailers go on where the answer can carry them: Node leaves them out of one that has a length. */
export const passTrailers = (response: ClientResponse, raw: readonly (Buffer | string)[]): void => {
  const kept = trailersPassed(raw)
  if (kept.length > 0) response.addTrailers(kept)
}

/** Which trailers go on. */
export const trailersPassed = (raw: readonly (Buffer | string)[]): [string, string][] => {
  const kept: [string, string][] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index])
    if (passed(name) && !notInTrailers.test(name)) kept.push([name, text(raw[index + 1])])
  }
  return kept
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
  'http2-settings',
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

/** The headers of an answer that go on to the client, and its announced length or -1. */
export const answerHeaders = (raw: readonly (Buffer | string)[]): { headers: string[]; length: number } => {
  const headers: string[] = []
  let length = -1
  let nominated = ''
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index])
    const value = text(raw[index + 1])
    if (passed(name)) {
      headers.push(name, value)
      if (name.length === 14 && name.toLowerCase() === 'content-length') length = Number(value)
    } else if (name.length === 10 && name.toLowerCase() === 'connection' && !ordinary.has(value)) {
      nominated += `,${value}`
    }
  }
  return { headers: nominated === '' ? headers : withoutNominated(headers, nominated), length }
}

/** `Connection` values that name no header, in the spellings that servers send. */
const ordinary = new Set(['keep-alive', 'Keep-Alive', 'close'])

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
