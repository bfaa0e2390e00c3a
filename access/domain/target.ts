import { plainMethods } from './path-pattern.ts'

/** The methods that are forwarded. */
export const forwardedMethods: ReadonlySet<string> = new Set(plainMethods)

/**
 * A path that every server reads alike: RFC 3986 `pchar` without `;` (path parameters), escapes in upper case and
 * only where needed. The query is any printable ASCII but `#`: it decides nothing.
 */
const canonical = /^(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-F]{2})*)+(?:\?[!"$-~]*)?$/
const dotSegment = /\/\.{1,2}(?:\/|$)/
/**
 * Escapes of unreserved characters (`%41`, `%2E`), of separators (`%2F`, `%5C`, `%3B`), of controls, a doubly
 * escaped one (`%252E`), and overlong UTF-8 (`%C0%AE`: RFC 3629 10), which careless decoders take for one of those.
 */
const deceivingEscape =
  /%(?:[01][0-9A-F]|7F|2[DEF]|3[0-9B]|4[1-9A-F]|5[0-9ACF]|6[1-9A-F]|7[0-9AE]|25[0-9A-Fa-f]{2}|C[01]|E0%[89]|F0%8|F[5-9A-F])/

/** The path of a request target, without its query; undefined where the target can be read in more than one way. */
export const canonicalPath = (target: string): string | undefined => {
  if (!canonical.test(target)) return undefined
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  if (path.includes('//') || dotSegment.test(path)) return undefined
  if (path.includes('%') && deceivingEscape.test(path)) return undefined
  return path
}
