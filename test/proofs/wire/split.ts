/** A request as it stands on a wire. Header names are in lower case. */
export type OnWire = {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly complete: boolean
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
    if (head === undefined) break
    const next = endOfBody(bytes, end + 4, head.headers)
    if (next === undefined) break
    requests.push({ ...head, complete: next <= bytes.length })
    at = Math.min(next, bytes.length)
  }
  return { requests, rest: bytes.slice(at) }
}

const readHead = (head: string): Omit<OnWire, 'complete'> | undefined => {
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

/** Where the body ends, beyond the bytes where it is cut off; undefined where its framing is not clear. */
const endOfBody = (bytes: string, start: number, headers: OnWire['headers']): number | undefined => {
  const lengths = headers.filter(([name]) => name === 'content-length')
  const codings = headers.filter(([name]) => name === 'transfer-encoding')
  if (lengths.length + codings.length === 0) return start
  if (lengths.length + codings.length > 1) return undefined
  const [length] = lengths
  if (length !== undefined) return /^\d{1,15}$/.test(length[1]) ? start + Number(length[1]) : undefined
  return codings[0]?.[1] === 'chunked' ? endOfChunks(bytes, start) : undefined
}

const endOfChunks = (bytes: string, start: number): number | undefined => {
  const cutOff = bytes.length + 1
  let at = start
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    if (line === -1) return cutOff
    const digits = bytes.slice(at, line)
    if (!/^[0-9A-Fa-f]{1,8}$/.test(digits)) return undefined
    const size = Number.parseInt(digits, 16)
    const next = line + 2 + size
    if (next + 2 > bytes.length) return cutOff
    if (bytes.slice(next, next + 2) !== '\r\n') return undefined
    at = next + 2
    if (size === 0) return at
  }
}
