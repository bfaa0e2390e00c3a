/**
 * Patterns over method and path: `GET /v1/orders/*`, `* /admin/**`, `WS /live`.
 * `*` is one non-empty segment, `**` (last only) is one or more segments of any kind. There are no regular
 * expressions. GET includes HEAD (RFC 9110 9.3.2). An upgrade is admitted by `WS` alone, so `GET /**` never
 * opens a WebSocket.
 */
export type Pattern = {
  /** As written in the rule set, for messages, audit and summaries. */
  readonly text: string
  readonly method: Method
  readonly segments: readonly string[]
  readonly open: boolean
}

/** What a pattern may say of the method. */
export const methods = ['*', 'WS', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
export type Method = (typeof methods)[number]

const segmentShape = /^(?:[A-Za-z0-9\-._~!$&'()+,=:@]|%[0-9A-F]{2})+$/

/** The pattern, or what is wrong with it in words. */
export const parsePattern = (text: string): Pattern | { readonly fault: string } => {
  const [word, path, ...more] = text.trim().split(/\s+/)
  if (word === undefined || path === undefined || more.length > 0) {
    return { fault: `"${text}" is not "METHOD /path"` }
  }
  const method = methods.find((one) => one === word)
  if (method === undefined) return { fault: `unknown method "${word}"; use ${methods.join(', ')}` }
  if (!path.startsWith('/')) return { fault: `the path of "${text}" must begin with /` }
  const segments = path.slice(1).split('/')
  const open = segments.at(-1) === '**'
  if (open) segments.pop()
  for (const [index, segment] of segments.entries()) {
    if (segment === '*' || (segment === '' && index === segments.length - 1 && !open)) continue
    if (segment === '**') return { fault: `"**" may only end a path: "${text}"` }
    if (!segmentShape.test(segment) || segment === '.' || segment === '..') {
      return { fault: `the segment "${segment}" of "${text}" can never match a canonical path` }
    }
  }
  return { text: `${method} ${path}`, method, segments, open }
}

const methodMatches = (pattern: Method, method: string): boolean =>
  pattern === method || (pattern === '*' && method !== 'WS') || (pattern === 'GET' && method === 'HEAD')

/**
 * Whether the pattern admits this method (`WS` for an upgrade) and path: the exact bytes that go upstream,
 * without the query.
 */
export const patternMatches = (pattern: Pattern, method: string, path: string): boolean => {
  if (!methodMatches(pattern.method, method)) return false
  let from = 1
  for (const segment of pattern.segments) {
    if (from > path.length) return false
    const slash = path.indexOf('/', from)
    const to = slash === -1 ? path.length : slash
    if (segment === '*' ? to === from : to - from !== segment.length || !path.startsWith(segment, from))
      return false
    from = to + 1
  }
  return pattern.open ? from <= path.length : from === path.length + 1
}
