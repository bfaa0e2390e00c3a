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

/** The methods that are forwarded: what `*` stands for. */
export const plainMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** What a pattern may say of the method. */
export const methods = ['*', 'WS', ...plainMethods] as const
export type Method = (typeof methods)[number]

const segmentShape = /^(?:[A-Za-z0-9\-._~!$&'()+,=:@]|%[0-9A-F]{2})+$/

/** The pattern, or what is wrong with it in words, with the mend. */
export const parsePattern = (text: string): Pattern | { readonly fault: string } => {
  const [written = '', path, ...more] = text.trim().split(/\s+/)
  if (path === undefined || more.length > 0) return { fault: notTwoWords(text, written, more.length) }
  const method = methods.find((one) => one === written)
  if (method === undefined) return { fault: unknownMethod(written, path) }
  if (!path.startsWith('/')) return { fault: noPath(method, path) }
  const segments = path.slice(1).split('/')
  const open = segments.at(-1) === '**'
  if (open) segments.pop()
  for (const [index, segment] of segments.entries()) {
    if (segment === '*' || (segment === '' && index === segments.length - 1 && !open)) continue
    if (!segmentShape.test(segment) || segment === '.' || segment === '..')
      return { fault: wrongSegment(segment, `${method} ${path}`) }
  }
  return { text: `${method} ${path}`, method, segments, open }
}

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text)

const notTwoWords = (text: string, first: string, surplus: number): string => {
  const what = `"${short(text)}" is not "METHOD /path"`
  if (surplus > 0) return `${what}; write one method and one path, and a space in the path as %20`
  if (first.startsWith('/')) return `${what}; write "GET ${short(first)}", or another method ("*" for all)`
  return `${what}; write one such as "GET /v1/orders"`
}

const unknownMethod = (method: string, path: string): string => {
  const what = `unknown method "${short(method)}"`
  const named = method.toUpperCase().match(/[A-Z]+/g) ?? []
  const meant = named.filter((one) => methods.some((known) => known === one))
  if (meant.length === 0 || meant.length < named.length) return `${what}; use ${methods.join(', ')}`
  return `${what}; write ${meant.map((one) => `"${one} ${short(path)}"`).join(' and ')}`
}

const noPath = (method: string, path: string): string => {
  const what = `the path of "${method} ${short(path)}" must begin with /`
  const bare = path.replace(/^[a-z]+:\/\/[^/]*/, '')
  if (/[\^$\\[\]()|?]/.test(bare)) return `${what}; there are no regular expressions, only "*" and "**"`
  return `${what}; write "${method} ${short(bare.startsWith('/') ? bare : `/${bare}`)}"`
}

/** Why no canonical path can have this segment, and what was probably meant. */
const wrongSegment = (segment: string, text: string): string => {
  const whole = `"${short(text)}"`
  const what = `the segment "${short(segment)}" of ${whole} can never match a canonical path`
  if (segment === '**') return `"**" may only end a path: ${whole}; write "*" for each segment before the end`
  if (segment === '')
    return `the segment "" of ${whole} can never match a canonical path; write one "/", not two`
  if (segment === '.' || segment === '..') return `${what}; write the path that it leads to`
  if (/^(?:\{[^{}]*\}|<[^<>]*>)$/.test(segment)) return `${what}; write "*" for a segment of any kind`
  if (/[[\]\\^|{}]|\.[*+]|\)[?*+]/.test(segment))
    return `${what}; there are no regular expressions, only "*" for one segment and "**" for the rest`
  if (segment.includes('*')) return `${what}; "*" stands for a whole segment, never for a part of one`
  const query = segment.search(/[?#]/)
  if (query !== -1)
    return `${what}; a pattern has no query or fragment, so leave out "${short(segment.slice(query))}"`
  const escaped = segment
    .toWellFormed()
    .replaceAll(/%[\da-f]{2}/gi, (byte) => byte.toUpperCase())
    .replaceAll(/[^A-Za-z0-9\-._~!$&'()+,=:@%]/gu, encodeURIComponent)
  if (segmentShape.test(escaped)) return `${what}; write "${short(escaped)}"`
  return `${what}; write "%" as "%25"`
}

const methodMatches = (pattern: Method, method: string): boolean =>
  pattern === '*'
    ? plainMethods.some((one) => one === method)
    : pattern === method || (pattern === 'GET' && method === 'HEAD')

/**
 * Whether the pattern admits this method (`WS` for an upgrade) and path: the exact bytes that go upstream,
 * without the query.
 */
export const patternMatches = (pattern: Pattern, method: string, path: string): boolean => {
  if (!methodMatches(pattern.method, method) || !path.startsWith('/')) return false
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
