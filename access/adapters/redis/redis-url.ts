/** A Redis as `REDIS_URL` names it. */
export type RedisPlace = {
  readonly kind: 'plain' | 'sentinel' | 'cluster'
  readonly tls: boolean
  /** The Redis itself, or the Sentinels, or some nodes of the Cluster. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly username?: string
  readonly password?: string
  /** What the Sentinels call it. */
  readonly name?: string
  /** Whether there are options in a query. */
  readonly options: boolean
}

const shape =
  /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?<user>[^@/?#,]*@)?(?<nodes>[^@/?#]+)(?<rest>[/?#].*)?$/

/**
 * Reads `redis://` (`rediss://` with TLS) of one Redis; `redis+sentinel://…/name` of the Sentinels that watch it; or
 * `redis+cluster://` of nodes of a Cluster: several with commas between. Undefined for what is none of these.
 */
export const readRedisUrl = (text: string): RedisPlace | undefined => {
  const found = shape.exec(text)?.groups
  if (found === undefined) return undefined
  const kind = found['kind'] === 'sentinel' || found['kind'] === 'cluster' ? found['kind'] : 'plain'
  const hosts = (found['nodes'] ?? '').split(',')
  const nodes = hosts.flatMap((host) => readNode(host, kind === 'sentinel' ? 26_379 : 6_379))
  const url = URL.parse(`redis://${found['user'] ?? ''}${hosts[0]}${found['rest'] ?? ''}`)
  if (url === null || nodes.length !== hosts.length) return undefined
  const path = url.pathname.replace(/^\//, '')
  const pathFits = {
    plain: hosts.length === 1 && /^\d{0,4}$/.test(path),
    // Sentinel's own rule for names.
    sentinel: /^[\w.-]+$/.test(path),
    cluster: path === '',
  }
  if (!pathFits[kind]) return undefined
  const [username, password] = [decoded(url.username), decoded(url.password)]
  if (username === undefined || password === undefined) return undefined
  return {
    kind,
    tls: found['tls'] === 's',
    nodes,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(kind === 'sentinel' ? { name: path } : {}),
    options: url.search !== '' || url.hash !== '',
  }
}

const readNode = (host: string, usualPort: number): RedisPlace['nodes'] => {
  const url = URL.parse(`redis://${host}`)
  if (url === null || url.hostname === '') return []
  return [
    {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? usualPort : Number(url.port),
    },
  ]
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
