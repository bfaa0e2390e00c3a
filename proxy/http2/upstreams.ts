import { connect, constants } from 'node:http2'
import type { Service } from '#access/domain/rule-set.ts'
import { type AddressGuard, portOf } from '../upstream-address.ts'
import {
  type Http2Connection,
  type Patience,
  patienceWithServices,
  watchConnection,
} from './watch-connection.ts'

const fewestStreams = 100
const mostConnections = 32

/** What every release with this scheme speaks: HTTP/2 without TLS, from the first byte on (RFC 9113 3.3). */
export const priorKnowledge = 'h2c:'

/** Connections of HTTP/2 to services: `h2c://`, or `https://` where the service chooses it. */
export const createHttp2Upstreams = (guard: AddressGuard, patience: Patience = patienceWithServices) => {
  const connections = new Map<Service, Set<Http2Connection>>()

  const open = (service: Service, origin: URL, others: Set<Http2Connection>): Http2Connection => {
    const port = portOf(origin)
    guard.check(origin.hostname, port)
    const options = {
      lookup: guard.lookupFor(port),
      strictSingleValueFields: false,
      // Nobody here waits for what was not asked for (RFC 9113 8.4).
      settings: { enablePush: false },
    }
    const session = connect(origin, options)
    const connection = { session, open: 0, answers: 0 }
    const forget = (): void => void others.delete(connection)
    const late = setTimeout(
      () => session.destroy(new Error('the service took too long to connect')),
      service.timeouts.connect,
    )
    session.once('connect', () => clearTimeout(late))
    session.once('close', () => {
      clearTimeout(late)
      forget()
    })
    session.once('goaway', forget)
    session.on('error', forget)
    session.on('stream', (pushed) => {
      pushed.on('error', () => undefined)
      pushed.close(constants.NGHTTP2_REFUSED_STREAM)
    })
    watchConnection(connection, patience)
    others.add(connection)
    return connection
  }

  return {
    /** A connection with room for one more stream. Throws where the service has none of HTTP/2, or none we go to. */
    of: (service: Service): Http2Connection => {
      const origin = originOf(service.releases[service.serve] as string)
      const all = connections.get(service) ?? new Set<Http2Connection>()
      connections.set(service, all)
      for (const one of all) {
        const most = one.session.connecting ? fewestStreams : one.session.remoteSettings.maxConcurrentStreams
        if (!one.session.closed && !one.session.destroyed && one.open < (most ?? fewestStreams)) return one
      }
      if (all.size >= mostConnections) throw new Error('the service takes no more streams')
      return open(service, origin, all)
    },
    close: (): void => {
      for (const all of connections.values()) for (const { session } of all) session.destroy()
    },
  }
}
export type Http2Upstreams = ReturnType<typeof createHttp2Upstreams>

const originOf = (release: string): URL => {
  if (release.startsWith(priorKnowledge)) return new URL(release.replace(priorKnowledge, 'http:'))
  const origin = new URL(release)
  if (origin.protocol !== 'https:')
    throw new Error('gRPC needs a release that speaks HTTP/2: h2c:// or https://')
  return origin
}
