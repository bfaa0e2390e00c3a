/** What a browser says of where a request comes from (W3C Fetch Metadata; RFC 6454 7). */
export type Asked = {
  /** Of the request; `WS` is the opening handshake of a WebSocket. */
  readonly method: string
  readonly site: string | undefined
  readonly mode: string | undefined
  readonly dest: string | undefined
  readonly user: string | undefined
  /** `Sec-Purpose`: what is fetched before anybody asks for it. */
  readonly purpose: string | undefined
  readonly origin: string | undefined
}

const sites = new Set(['same-origin', 'same-site', 'cross-site', 'none'])
/** A token as browsers write it (RFC 8941 3.3.4), without parameters. */
const token = /^[a-z]+(?:-[a-z]+)*$/

/**
 * Whether a request with a session is what it may be: asked by a page of `own`, or the opening of a page in a tab of its
 * own, as by a link. `own` is the origin of the host that is asked. Sibling hosts are the same site and other services, so
 * they count like any other site. Who says nothing of it is refused: every browser does, from March 2023 on.
 */
export const mayAsk = (asked: Asked, own: string): boolean => {
  const { method, site, origin } = asked
  if (!isSound(asked)) return false
  // Browsers differ in what they say of a handshake, but always name the page's origin (RFC 6455 4.1).
  if (method === 'WS') return origin === own
  if (site === undefined) return origin === own
  // A page that tells nobody its address sends `null` to itself, too (Fetch 3.2).
  if (site === 'same-origin') return origin === undefined || origin === 'null' || origin === own
  return opensTab(asked)
}

const isSound = ({ site, mode, dest, user }: Asked): boolean =>
  (site === undefined || sites.has(site)) &&
  (mode === undefined || token.test(mode)) &&
  (dest === undefined || token.test(dest)) &&
  (user === undefined || user === '?1')

/**
 * A frame within a page is an `iframe`, `frame`, `embed` or `object`. A script or a redirect may open a tab without a click.
 * What a page has fetched ahead opens nothing yet, and is asked for again once it does.
 */
const opensTab = ({ method, mode, dest, purpose }: Asked): boolean =>
  method === 'GET' && mode === 'navigate' && dest === 'document' && purpose === undefined

const usualPort = { http: /:80$/, https: /:443$/ }

/** The origin of a host as browsers write it (RFC 6454 6.2): in lower case, without the usual port. */
export const originOf = (scheme: 'http' | 'https', host: string): string =>
  `${scheme}://${host.toLowerCase().replace(usualPort[scheme], '')}`
