import { expect, test } from 'vitest'
import { rateLimited } from '#proxy/rate-limit-headers.ts'
import { rulesOf, serviceIn, tierIn } from '../builders.ts'

const tier = tierIn(serviceIn(rulesOf()), 'observe')

test.each([
  ['in whole seconds', 50, '"observe";q=50;w=1'],
  ['in minutes, where no second has a whole one', 30 / 60, '"observe";q=30;w=60'],
  ['in minutes, to a half', 90 / 60, '"observe";q=90;w=60'],
  ['in hours', 7 / 3_600, '"observe";q=7;w=3600'],
  ['in days', 1 / 86_400, '"observe";q=1;w=86400'],
])('The policy is told %s', (_, rate, policy) => {
  expect(rateLimited({ ...tier, rate }, 1).rateLimit?.policy).toBe(policy)
})

test('When to come back is told in whole seconds, never too early and never now', () => {
  const told = [1, 1_000, 1_001, 59_999].map((wait) => rateLimited(tier, wait))
  expect(told.map(({ retryAfter }) => retryAfter)).toEqual([1, 1, 2, 60])
  expect(told.map(({ rateLimit }) => rateLimit?.state)).toEqual(
    [1, 1, 2, 60].map((seconds) => `"observe";r=0;t=${seconds}`),
  )
})

test('A name that a header could not hold as it is breaks out of nothing', () => {
  const name = 'a"b\\c\r\nSet-Cookie: x\u00e4'
  expect(rateLimited({ ...tier, name }, 1).rateLimit?.state).toBe('"a_b_c__Set-Cookie: x_";r=0;t=1')
})
