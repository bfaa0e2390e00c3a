import type { Reason } from '#access/domain/reasons.ts'
import type { Exchange } from '../exchange.ts'
import { Http2Request } from '../http2/request.ts'
import { takeSession } from '../session/cookie.ts'

/**
 * What becomes of a client's header: it goes upstream, it is dropped, or one of the cases below.
 * Dropped are hop-by-hop headers (RFC 9110 7.6.1), `Expect` (answered here), and whatever says who the client is:
 * those are ours to set.
 */
type Fate =
  | 'forward'
  | 'drop'
  | 'reserved'
  | 'host'
  | 'authorization'
  | 'own authorization'
  | 'break-glass'
  | 'proxy authorization'
  | 'cookie'
  | 'connection'
  | 'content length'
  | 'transfer encoding'
  | 'expect'

/** Carries a pass that was signed offline (`pagepass break-glass sign`). It stays here. */
export const glassHeader = 'x-pagepass-break-glass'

const fates = new Map<string, Fate>([
  ['host', 'host'],
  ['authorization', 'authorization'],
  ['x-pagepass-authorization', 'own authorization'],
  [glassHeader, 'break-glass'],
  ['proxy-authorization', 'proxy authorization'],
  ['cookie', 'cookie'],
  ['connection', 'connection'],
  ['content-length', 'content length'],
  // Frameworks obey these (Rails, Symfony, Spring, IIS), so the service would do what was never decided on.
  ...['x-http-method-override', 'x-http-method', 'x-method-override', 'x-original-url', 'x-rewrite-url'].map(
    reserved,
  ),
  ['transfer-encoding', 'transfer encoding'],
  ...['keep-alive', 'proxy-authenticate', 'proxy-connection', 'te', 'trailer'].map(dropped),
  // The one spelling of what makes a handshake; what else is read as one of these is refused.
  ...['key', 'version', 'protocol', 'extensions'].map(ofHandshake),
  ['expect', 'expect'],
  ...['upgrade', 'http2-settings', 'forwarded', 'via'].map(dropped),
])

function reserved(name: string): [string, Fate] {
  return [name, 'reserved']
}

function ofHandshake(name: string): [string, Fate] {
  return [`sec-websocket-${name}`, 'forward']
}

function dropped(name: string): [string, Fate] {
  return [name, 'drop']
}

/** Some servers read `_` or `.` in a header name as `-` (CGI, RFC 3875 4.1.18), so these count as the same name. */
const fateOf = (name: string): Fate => {
  const lower = name.toLowerCase()
  const known = fates.get(lower)
  if (known !== undefined) return known
  const plain = lower.replaceAll(/[^a-z0-9]/g, '-')
  if (plain.startsWith('x-pagepass')) return 'reserved'
  if (plain.startsWith('x-forwarded') || plain === 'x-real-ip') return 'drop'
  return plain !== lower && fates.has(plain) ? 'reserved' : 'forward'
}

/** Header names come in few spellings; remembering their fate saves the lower-casing. Bounded, as clients choose them. */
const remembered = new Map<string, Fate>()
const rememberable = 1_000
export const recallFate = (name: string): Fate => {
  const known = remembered.get(name)
  if (known !== undefined) return known
  const fate = fateOf(name)
  if (remembered.size < rememberable) remembered.set(name, fate)
  return fate
}

const scheme = 'bearer '
const isBearer = (credential: string): boolean => credential.slice(0, scheme.length).toLowerCase() === scheme

/**
 * Takes the credential from the headers that may hold one, and lets the others of them go upstream. What a proxy is told by
 * several headers comes as one, with commas.
 */
export type ReadCredential = (
  exchange: Exchange,
  authorization: string | undefined,
  own: string | undefined,
  proxy: string | undefined,
) => Reason | undefined

/** Reads the raw headers once: host, credential, and what may go upstream. What is ambiguous is refused. */
export const readHeaders = (exchange: Exchange): Reason | undefined => scanHeaders(exchange, readCredential)

/** The same where the credential stands elsewhere. */
export const scanHeaders = (exchange: Exchange, credential: ReadCredential): Reason | undefined => {
  const { rawHeaders, httpVersionMajor } = exchange.request
  // Node takes HTTP/0.9 and HTTP/2.0 for the same framing.
  if (httpVersionMajor !== 1) {
    if (!(exchange.request instanceof Http2Request && exchange.request.sound)) return 'headers-ambiguous'
    exchange.hasBody = exchange.request.hasBody
  }
  let host: string | undefined
  let authorization: string | undefined
  let own: string | undefined
  let proxy: string | undefined
  let length: string | undefined
  let nominated: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    const value = rawHeaders[index + 1] as string
    switch (recallFate(name)) {
      case 'forward':
        exchange.forwarded.push(name, value)
        break
      case 'drop':
        break
      case 'reserved':
        return 'header-reserved'
      case 'host':
        if (host !== undefined) return 'headers-ambiguous'
        host = value
        break
      case 'authorization':
        if (authorization !== undefined) return 'headers-ambiguous'
        authorization = value
        break
      case 'own authorization':
        if (own !== undefined) return 'headers-ambiguous'
        own = value
        break
      case 'break-glass':
        if (exchange.breakGlass !== '' || value === '') return 'headers-ambiguous'
        exchange.breakGlass = value
        break
      case 'proxy authorization':
        proxy = proxy === undefined ? value : `${proxy},${value}`
        break
      case 'cookie':
        if (!readCookie(exchange, name, value)) return 'headers-ambiguous'
        break
      case 'content length':
        if (length !== undefined) return 'headers-ambiguous'
        length = value
        exchange.hasBody ||= value !== '0'
        exchange.forwarded.push(name, value)
        break
      case 'transfer encoding':
        // Only `chunked` is undone here; another coding would reach the upstream unnamed. HTTP/1.0 has none.
        if (exchange.hasBody || value.toLowerCase() !== 'chunked' || exchange.request.httpVersionMinor === 0)
          return 'headers-ambiguous'
        exchange.hasBody = true
        break
      case 'expect':
        exchange.waitsToSend = value.toLowerCase() === '100-continue'
        break
      case 'connection':
        if (value !== 'keep-alive' && value !== 'close')
          nominated = nominated === undefined ? value : `${nominated},${value}`
        break
    }
  }
  if (host === undefined) return 'headers-ambiguous'
  exchange.host = host
  if (nominated !== undefined) {
    if (nominated.length > longestNominated) return 'headers-ambiguous'
    dropNominated(exchange, nominated)
  }
  return credential(exchange, authorization, own, proxy)
}

/** Our own cookie stays here, whatever comes of it; all others go on. False where it came twice. */
const readCookie = (exchange: Exchange, name: string, value: string): boolean => {
  const taken = takeSession(value)
  if (taken === undefined) {
    exchange.forwarded.push(name, value)
    return true
  }
  if (taken === 'ambiguous' || exchange.session !== undefined) return false
  exchange.session = taken.session
  if (taken.rest !== '') exchange.forwarded.push(name, taken.rest)
  return true
}

/** `X-Pagepass-Authorization` and our cookie leave `Authorization` to the application; both naming us must agree. */
const readCredential: ReadCredential = (exchange, authorization, own) => {
  const token = tokenOf(authorization, own)
  if (token === undefined) return 'headers-ambiguous'
  const isElsewhere = own !== undefined || exchange.session !== undefined
  if (isElsewhere && authorization !== undefined && !isBearer(authorization))
    exchange.forwarded.push('Authorization', authorization)
  exchange.token = token
  return undefined
}

/** The token in `Authorization` or `X-Pagepass-Authorization`, empty when there is none; undefined where two disagree. */
export const tokenOf = (authorization: string | undefined, own: string | undefined): string | undefined => {
  const credential = own ?? authorization
  if (own !== undefined && authorization !== undefined && isBearer(authorization) && authorization !== own)
    return undefined
  // Whatever follows the scheme is compared and verified byte for byte; its grammar needs no check of its own.
  return credential !== undefined && isBearer(credential) ? credential.slice(scheme.length) : ''
}

/** Nobody names so many, and 16,000 commas take longer to read than all else. */
const longestNominated = 2_000

/** Headers that the client's `Connection` names are for this hop only. */
const dropNominated = (exchange: Exchange, nominated: string): void => {
  const names = new Set(
    nominated
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
  exchange.forwarded = exchange.forwarded.filter((_, index, all) => {
    const name = (all[index - (index % 2)] as string).toLowerCase()
    return !names.has(name) || name === 'content-length'
  })
}
