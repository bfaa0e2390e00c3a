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
