/** A request as it stands on a wire. Header names are in lower case. */
export type OnWire = {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  /** Without its chunks; undefined where it is cut off. */
  readonly body: string | undefined
}

/**
 * The requests in the bytes of one connection, read as strictly as can be (RFC 9112), by nothing that the proxy or a
 * server reads with. `rest` is what is none.
 */
export const splitRequests = (bytes: string): { readonly requests: OnWire[]; readonly rest: string } => {
  const requests: OnWire[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at)
    const head = end === -1 ? undefined : readHead(bytes.slice(at, end))
    const found = head === undefined ? undefined : readBody(bytes, end + 4, head.headers)
    if (head === undefined || found === undefined) break
    requests.push({ ...head, body: found.body })
    at = found.next
  }
  return { requests, rest: bytes.slice(at) }
}

const readHead = (head: string): Omit<OnWire, 'body'> | undefined => {
  const [first = '', ...lines] = head.split('\r\n')
  const [, method, target] = /^([A-Z]+) (\/[!-~]*) HTTP\/1\.1$/.exec(first) ?? []
  if (method === undefined || target === undefined) return undefined
  const headers: [string, string][] = []
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t -~\x80-\xff]*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) return undefined
    headers.push([name.toLowerCase(), value])
  }
  return { method, target, headers }
}

type Body = { readonly body: string | undefined; readonly next: number }

/** The body, and where the next request begins; undefined where its framing is not clear. */
const readBody = (bytes: string, start: number, headers: OnWire['headers']): Body | undefined => {
  const lengths = headers.filter(([name]) => name === 'content-length')
  const codings = headers.filter(([name]) => name === 'transfer-encoding')
  if (lengths.length + codings.length === 0) return { body: '', next: start }
  if (lengths.length + codings.length > 1) return undefined
  const [, length] = lengths[0] ?? []
  if (length === undefined) return codings[0]?.[1] === 'chunked' ? readChunks(bytes, start) : undefined
  if (!/^\d{1,15}$/.test(length)) return undefined
  const next = start + Number(length)
  return next > bytes.length ? cutOff(bytes) : { body: bytes.slice(start, next), next }
}

const readChunks = (bytes: string, start: number): Body | undefined => {
  let body = ''
  let at = start
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    if (line === -1) return cutOff(bytes)
    const [, digits] = /^([0-9A-Fa-f]{1,8})(?:;[ -~]*)?$/.exec(bytes.slice(at, line)) ?? []
    if (digits === undefined) return undefined
    const from = line + 2
    const to = from + Number.parseInt(digits, 16)
    if (to + 2 > bytes.length) return cutOff(bytes)
    if (bytes.slice(to, to + 2) !== '\r\n') return undefined
    body += bytes.slice(from, to)
    at = to + 2
    if (from === to) return { body, next: at }
  }
}

const cutOff = (bytes: string): Body => ({ body: undefined, next: bytes.length })
