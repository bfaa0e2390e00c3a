import type { Pattern } from '../domain/path-pattern.ts'

/** Whether a pattern admits every request that another one does. */
export const patternCovers = (wide: Pattern, narrow: Pattern): boolean =>
  methodCovers(wide.method, narrow.method) && pathCovers(wide, narrow)

const methodCovers = (wide: string, narrow: string): boolean =>
  wide === narrow || (wide === '*' && narrow !== 'WS') || (wide === 'GET' && narrow === 'HEAD')

const pathCovers = (wide: Pattern, narrow: Pattern): boolean => {
  const [shared, own] = [wide.segments.length, narrow.segments.length]
  if (!wide.open && (narrow.open || own !== shared)) return false
  // "**" is one segment or more.
  if (wide.open && !(own > shared || (own === shared && narrow.open))) return false
  return wide.segments.every((segment, index) => {
    const other = narrow.segments[index]
    return segment === other || (segment === '*' && other !== '')
  })
}

/** What both patterns admit, as a pattern of its own; undefined where no request is admitted by both. */
export const patternOverlap = (one: Pattern, other: Pattern): Pattern | undefined => {
  const method = bothMethods(one.method, other.method)
  const [short, long] = one.segments.length <= other.segments.length ? [one, other] : [other, one]
  const surplus = long.segments.length - short.segments.length
  // "**" is one segment or more.
  const mayGoOn = surplus === 0 ? short.open === long.open : short.open
  if (method === undefined || !mayGoOn) return undefined
  const segments: string[] = []
  for (const [index, segment] of long.segments.entries()) {
    const also = short.segments[index] ?? segment
    const both = segment === also ? segment : segment === '*' ? also : also === '*' ? segment : ''
    if (both === '' && segment !== also) return undefined
    segments.push(both)
  }
  const text = `${method} /${[...segments, ...(long.open ? ['**'] : [])].join('/')}`
  return { text, method, segments, open: long.open }
}

const bothMethods = (one: Pattern['method'], other: Pattern['method']): Pattern['method'] | undefined =>
  methodCovers(one, other) ? other : methodCovers(other, one) ? one : undefined
