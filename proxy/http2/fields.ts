export type Fields = {
  readonly method: string
  readonly path: string | undefined
  /** Name, value, name, value, as HTTP/1.1 has them: `host` first, and one `cookie`. */
  readonly headers: readonly string[]
  /** Whether they can be read in one way only. */
  readonly sound: boolean
}

/** What is of a connection has no place in HTTP/2, and is what a request is smuggled with (RFC 9113 8.2.2). */
const ofConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])
const pseudo = new Set([':method', ':scheme', ':authority', ':path'])
/** RFC 9110 5.1, and RFC 9113 8.2.1: in lower case. */
const nameShape = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** RFC 9110 5.5: no control but the tab, and none of what surrounds a value. */
const valueShape = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/

/**
 * Reads the fields of a request in HTTP/2 (RFC 9113 8.3.1) as those of one in HTTP/1.1. nghttp2 has refused most of what
 * is unsound here before; what goes on as text must not depend on it.
 */
export const readFields = (fields: readonly string[]): Fields => {
  const named = new Map<string, string>()
  const headers: string[] = []
  const hosts: string[] = []
  const cookies: string[] = []
  let sound = true
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const value = fields[index + 1] as string
    if (!valueShape.test(value)) sound = false
    if (name.startsWith(':')) {
      // Known ones, once each, and before all others.
      if (!pseudo.has(name) || named.has(name) || headers.length + hosts.length + cookies.length > 0)
        sound = false
      named.set(name, value)
    } else if (!nameShape.test(name) || ofConnection.has(name) || (name === 'te' && value !== 'trailers'))
      sound = false
    else if (name === 'host') hosts.push(value)
    else if (name === 'cookie') cookies.push(value)
    else headers.push(name, value)
  }
  const host = named.get(':authority') ?? hosts[0]
  if (named.get(':scheme') !== 'https' || hosts.length > 1 || host === undefined) sound = false
  if (hosts.some((one) => one !== host)) sound = false
  // Browsers send a cookie in crumbs, for compression (RFC 9113 8.2.3).
  if (cookies.length > 0) headers.unshift('cookie', cookies.join('; '))
  if (host !== undefined) headers.unshift('host', host)
  return { method: named.get(':method') ?? '', path: named.get(':path'), headers, sound }
}
