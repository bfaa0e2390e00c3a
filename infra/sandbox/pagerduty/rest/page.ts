import { z } from 'zod'
import { PagerDutyError } from '../pagerduty-error.ts'

const count = z.coerce.number().int().nonnegative()

/** Classic pagination: 25 a page, 100 at most, and nothing beyond the 10,000th. */
export const pageOf = <T>(
  query: URLSearchParams,
  name: string,
  items: readonly T[],
  shape: (item: T) => object,
) => {
  const limit = Math.min(100, count.catch(25).parse(query.get('limit') ?? 25))
  const offset = count.catch(0).parse(query.get('offset') ?? 0)
  if (offset + limit > 10_000) {
    throw new PagerDutyError(400, 2001, 'Invalid Input Provided', ['Offset must be less than 10,000'])
  }
  return {
    [name]: items.slice(offset, offset + limit).map(shape),
    limit,
    offset,
    more: items.length > offset + limit,
    total: query.get('total') === 'true' ? items.length : null,
  }
}

/** A list parameter like `statuses[]`: everything passes when it is not given. */
export const passes = (query: URLSearchParams, name: string): ((...values: string[]) => boolean) => {
  const wanted = new Set([...query.getAll(`${name}[]`), ...query.getAll(name)])
  return (...values) => wanted.size === 0 || values.some((value) => wanted.has(value))
}
