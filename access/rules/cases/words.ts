import { exactDuration } from '../../domain/duration.ts'
import type { Expectation } from './source.ts'

/** What is expected, or came: `given, tier operate, for 2h`. Only these facts; by default all that are said. */
export const expectationText = (
  expectation: Expectation,
  facts: readonly (keyof Expectation)[] = order,
): string => [expectation.is, ...order.flatMap((fact) => factText(expectation, fact, facts))].join(', ')

/** What came, as far as it tells somebody who expected something else. */
export const cameText = (expected: Expectation, came: Expectation): string => {
  const told: (keyof Expectation)[] = expected.is === came.is ? ['reason'] : ['reason', 'tier']
  return expectationText(came, [...told, ...(Object.keys(expected) as (keyof Expectation)[])])
}

const order: readonly (keyof Expectation)[] = ['reason', 'tier', 'for', 'pattern', 'rule', 'by', 'count']

const factText = (
  expectation: Expectation,
  fact: keyof Expectation,
  facts: readonly (keyof Expectation)[],
): string[] => {
  const said = expectation[fact]
  if (said === undefined || !facts.includes(fact)) return []
  if (Array.isArray(said)) return [`${fact} ${said.join(' and ')}`]
  return [`${fact} ${fact === 'for' ? exactDuration(Number(said)) : said}`]
}
