import type { IncomingMessage } from 'node:http'

/** What a front proxy says that it was asked. */
export type Told = {
  readonly method: string
  /** The request target as it will go to the application. */
  readonly target: string
  readonly host: string
  /** Whether the client asked for an upgrade. */
  readonly upgrade: boolean
  /** Whether the host is that by which the front proxy chose the application, as far as it says so. */
  readonly oneHost: boolean
}

export type Dialect = {
  readonly name: 'nginx' | 'forward-auth' | 'envoy'
  /** Names of headers that must come exactly once. All others of this kind are a client's, and say nothing. */
  readonly once: ReadonlySet<string>
  /** The header with the client's address, which decides nothing. */
  readonly client: string
  /** Undefined where what it says can't be understood. */
  readonly read: (
    header: (name: string) => string,
    request: Pick<IncomingMessage, 'method' | 'url'>,
  ) => Told | undefined
}

/**
 * nginx `auth_request`: a GET of its own, so the shipped configuration says everything in headers. The vhost is the
 * name of the server that nginx chose. It is not that of `Host` when a client names another host in an absolute target,
 * or when no server has that name and the first one takes it.
 */
const nginx: Dialect = {
  name: 'nginx',
  once: new Set([
    'x-original-method',
    'x-original-uri',
    'x-original-host',
    'x-original-vhost',
    'x-original-upgrade',
    'x-original-for',
  ]),
  client: 'x-original-for',
  read: (header) => {
    const upgrade = header('x-original-upgrade')
    if (upgrade !== 'yes' && upgrade !== 'no') return undefined
    const host = header('x-original-host')
    return {
      method: header('x-original-method'),
      target: header('x-original-uri'),
      host,
      upgrade: upgrade === 'yes',
      oneHost: host.toLowerCase().replace(port, '') === header('x-original-vhost').toLowerCase(),
    }
  },
}

const port = /:\d{1,5}$/

/** Caddy `forward_auth` and Traefik ForwardAuth. */
const forwardAuth: Dialect = {
  name: 'forward-auth',
  once: new Set(['x-forwarded-method', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-uri']),
  client: 'x-forwarded-for',
  read: (header) => {
    const scheme = header('x-forwarded-proto')
    if (scheme !== 'http' && scheme !== 'https') return undefined
    return {
      method: header('x-forwarded-method'),
      target: header('x-forwarded-uri'),
      host: header('x-forwarded-host'),
      upgrade: false,
      oneHost: true,
    }
  },
}

const envoyPrefix = '/envoy'

/** Envoy's ext_authz over HTTP: method and Host are the client's, and so is the target behind `path_prefix`. */
const envoy: Dialect = {
  name: 'envoy',
  once: new Set(['host']),
  client: 'x-forwarded-for',
  read: (header, { method = '', url = '' }) => ({
    method,
    target: url.slice(envoyPrefix.length),
    host: header('host'),
    upgrade: false,
    oneHost: true,
  }),
}

/**
 * The dialect that a front proxy speaks, by the path it asks at. Caddy leaves the query of the client's request on it.
 */
export const dialectOf = (url: string): Dialect | undefined => {
  if (url.startsWith(`${envoyPrefix}/`)) return envoy
  const query = url.indexOf('?')
  switch (query === -1 ? url : url.slice(0, query)) {
    case '/nginx':
      return nginx
    case '/forward-auth':
      return forwardAuth
    default:
      return undefined
  }
}
