import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Reason } from '#access/domain/reasons.ts'
import { canonicalPath, forwardedMethods } from '#access/domain/target.ts'
import { reservedPrefix } from '../server.ts'
import { glassHeader, recallFate, tokenOf } from '../steps/read-headers.ts'
import { type Dialect, dialectOf, type Told } from './dialects.ts'
import { secretHeader } from './front.ts'

/** What a front proxy asks: may this go on? */
export type Question = {
  /** In whose words it is asked. */
  readonly front: Dialect['name'] | undefined
  readonly method: string
  /** The target of the client's request, without its query. */
  readonly path: string
  readonly host: string
  /** The client's address as the front proxy tells it; empty where it does not. */
  readonly client: string
  readonly token: string
  /** Why the answer is no, whoever the client is. */
  readonly fault: Reason | undefined
}

/** A client has a hundred, as in the proxy. */
const mostHeaders = 120

/** What only a handshake has, or the beginning of another protocol. Some front proxies show no `Upgrade` (RFC 9110 7.6.1). */
const upgrading = new Set(['upgrade', 'http2-settings', 'sec-websocket-key'])

export const nothingAsked: Question = {
  front: undefined,
  method: '',
  path: '',
  host: '',
  client: '',
  token: '',
  fault: 'front-unknown',
}

/** Reads what an authenticated front proxy asks, by the headers of its dialect alone. */
export const readQuestion = (request: IncomingMessage): Question => {
  const dialect = dialectOf(request.url ?? '')
  if (dialect === undefined) return { ...nothingAsked, fault: 'front-unclear' }
  const { told, client, token, fault } = readHeaders(request, dialect)
  if (told === undefined) return { ...nothingAsked, front: dialect.name, fault }
  const { method, target, host } = told
  const path = canonicalPath(target)
  return {
    front: dialect.name,
    method,
    path: path ?? target.split('?')[0] ?? '',
    host,
    client,
    token,
    fault: targetFault(method, path) ?? fault,
  }
}

const targetFault = (method: string, path: string | undefined): Reason | undefined => {
  if (!forwardedMethods.has(method)) return 'method-not-allowed'
  if (path === undefined) return 'target-not-canonical'
  return path.startsWith(reservedPrefix) ? 'tier-none' : undefined
}

type Headers = {
  readonly told: Told | undefined
  readonly client: string
  readonly token: string
  readonly fault: Reason | undefined
}
const unclear: Headers = { told: undefined, client: '', token: '', fault: 'front-unclear' }

const readHeaders = (request: IncomingMessage, dialect: Dialect): Headers => {
  const { rawHeaders } = request
  const once = new Map<string, string>()
  let authorization: string | undefined
  let own: string | undefined
  let via: string | undefined
  let fault: Reason | undefined = rawHeaders.length > mostHeaders * 2 ? 'headers-ambiguous' : undefined
  let upgrade = false
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    const value = rawHeaders[index + 1] as string
    const lower = name.toLowerCase()
    if (lower === dialect.client) via = value
    if (dialect.once.has(lower)) {
      if (once.has(lower)) return unclear
      once.set(lower, value)
    } else if (lower === 'authorization') {
      if (authorization !== undefined) fault ??= 'headers-ambiguous'
      authorization = value
    } else if (lower === 'x-pagepass-authorization') {
      if (own !== undefined) fault ??= 'headers-ambiguous'
      own = value
    } else if (lower === glassHeader) {
      // The application would see it, and nothing could be cut when it is over.
      fault ??= 'proxy-only'
    } else if (lower !== secretHeader) {
      upgrade ||= upgrading.has(lower)
      if (isReserved(name)) fault ??= 'header-reserved'
    }
  }
  if (once.size < dialect.once.size) return unclear
  const told = dialect.read((name) => once.get(name) ?? '', request)
  if (told === undefined) return unclear
  const token = tokenOf(authorization, own)
  if (token === undefined || !told.oneHost) fault ??= 'headers-ambiguous'
  if (upgrade || told.upgrade) fault ??= 'upgrade-not-admitted'
  return { told, client: lastAddress(via), token: token ?? '', fault }
}

const odd = /[^A-Za-z0-9-]/

/**
 * What the proxy itself refuses, and what it drops where the application might take it for the header it looks like: a
 * front proxy lets it through.
 */
const isReserved = (name: string): boolean => {
  const fate = recallFate(name)
  return fate === 'reserved' || (fate === 'drop' && odd.test(name))
}

/** What stands last was written by the front proxy itself. */
const lastAddress = (list = ''): string => {
  const last = list.slice(list.lastIndexOf(',') + 1).trim()
  return isIP(last) === 0 ? '' : last
}
