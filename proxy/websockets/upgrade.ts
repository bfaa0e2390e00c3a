import { createHash } from 'node:crypto'
import { Agent, type ClientRequest, type IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import type { Socket } from 'node:net'
import util from 'node:util'
import httpProxy from 'http-proxy'
import { answerHeaders } from '../forward.ts'
import { type AddressGuard, portOf } from '../upstream-address.ts'
import { createTunnel, type Tunnel, type TunnelOutcome } from './tunnel.ts'

export type UpgradeParts = {
  readonly client: Socket
  /** The release's origin. */
  readonly origin: string
  /** The exact bytes that go upstream. */
  readonly target: string
  /** The client's `Sec-WebSocket-Key`. */
  readonly key: string
  /** How long the service may take to answer the handshake, in milliseconds. */
  readonly withinMs: number
  /** Name, value, name, value: what goes upstream, besides `Host`, `Connection` and `Upgrade`. */
  readonly headers: readonly string[]
}

export type UpgradeTold = {
  /** The service has agreed, and the client is about to hear it. */
  readonly opened: () => void
  /** So many bytes went on to the client. */
  readonly passed: (bytes: number) => void
  /** The service refused, failed or was late. Nothing of it went to the client, who waits for an answer. */
  readonly failed: (late: boolean) => void
  /** It is over. Not told when it was ended from here. */
  readonly closed: (outcome: TunnelOutcome) => void
}

/**
 * WebSockets, forwarded by http-proxy. What it leaves open is fenced here: it would forward the client's own headers,
 * rewrite the path, pipe a refusal of the service to the client as if it were a WebSocket, never time out, and not look
 * whether the service has understood the handshake.
 */
export const createUpgrades = (guard: AddressGuard) => {
  silenceDeprecation()
  const agents = new Map<string, Agent>()
  const agentOf = (origin: URL): Agent => {
    const known = agents.get(origin.origin)
    if (known !== undefined) return known
    const lookup = guard.lookupFor(portOf(origin))
    const agent = origin.protocol === 'https:' ? new TlsAgent({ lookup }) : new Agent({ lookup })
    agents.set(origin.origin, agent)
    return agent
  }
  const connectionTo = (url: string): ServiceConnection => {
    const origin = new URL(url)
    const { protocol, hostname, port } = origin
    guard.check(hostname, portOf(origin))
    return { agent: agentOf(origin), target: { protocol, port, hostname: hostname.replace(/^\[|\]$/g, '') } }
  }
  return {
    open: (parts: UpgradeParts, told: UpgradeTold): Tunnel => open(parts, told, connectionTo),
  }
}
export type Upgrades = ReturnType<typeof createUpgrades>

/** How http-proxy is told where a service is, and how it gets there. */
type ServiceConnection = {
  readonly agent: Agent
  readonly target: { readonly protocol: string; readonly hostname: string; readonly port: string }
}

const open = (
  parts: UpgradeParts,
  told: UpgradeTold,
  connectionTo: (origin: string) => ServiceConnection,
): Tunnel => {
  const { client, origin, target, key, withinMs, headers } = parts
  let asking: ClientRequest | undefined
  let settled = false
  const settle = (): void => {
    settled = true
    clearTimeout(late)
    asking?.destroy()
    asking = undefined
  }
  const fail = (isLate: boolean): void => {
    if (settled) return
    settle()
    tunnel.abandon()
    told.failed(isLate)
  }
  const late = setTimeout(() => fail(true), withinMs)
  const tunnel = createTunnel(client, {
    passed: told.passed,
    closed: (outcome) => {
      settle()
      told.closed(outcome)
    },
  })

  // One for each upgrade, so that its events are about this one. Ours are heard before those of http-proxy itself.
  const proxy = httpProxy.createProxyServer()
  proxy.on('proxyReqWs', (request) => {
    asking = request
    request.path = target
    for (let index = 0; index < headers.length; index += 2)
      request.appendHeader(headers[index] as string, headers[index + 1] as string)
    request.on('response', () => fail(false))
    request.on('upgrade', (answer, service) => {
      service.on('error', () => undefined)
      if (settled || !agrees(answer, key)) {
        service.destroy()
        return fail(false)
      }
      asking = undefined
      settle()
      answer.headers = agreement(answer)
      tunnel.join(service)
      told.opened()
    })
  })
  try {
    proxy.ws(asIfAsked(client), tunnel.side, nothing, { ...connectionTo(origin), toProxy: true }, () =>
      fail(false),
    )
  } catch {
    fail(false)
  }
  return {
    end: (code) => {
      settle()
      tunnel.end(code)
    },
  }
}

const nothing = Buffer.alloc(0)

/** What http-proxy looks at in a request, and copies from it. The rest is ours to say. */
const asIfAsked = (client: Socket): IncomingMessage => {
  const request = new IncomingMessage(client)
  request.method = 'GET'
  request.url = '/'
  request.headers = { connection: 'Upgrade', upgrade: 'websocket' }
  return request
}

/** Whether this is the answer of a WebSocket server to this very handshake (RFC 6455 4.1, 4.2.2). */
const agrees = ({ statusCode, headers }: IncomingMessage, key: string): boolean =>
  statusCode === 101 &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  headers['sec-websocket-accept'] === acceptOf(key)

const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** The headers of the service's answer as they go to the client. */
const agreement = ({ rawHeaders }: IncomingMessage): IncomingHttpHeaders => {
  const { headers } = answerHeaders(rawHeaders)
  const named = new Map<string, string[]>()
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase()
    if (name === 'content-length') continue
    named.set(name, [...(named.get(name) ?? []), headers[index + 1] as string])
  }
  return { ...Object.fromEntries(named), connection: 'Upgrade', upgrade: 'websocket' }
}

/** http-proxy calls `util._extend`, and Node says once in every process that it should not (DEP0060). */
const silenceDeprecation = (): void => {
  const extend: unknown = Reflect.get(util, '_extend')
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    if (typeof extend === 'function') extend({}, {})
  } finally {
    process.emitWarning = emitWarning
  }
}
