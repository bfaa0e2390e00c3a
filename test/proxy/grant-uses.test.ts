import { expect, test } from 'vitest'
import type { StandingRule } from '#access/domain/rule-set.ts'
import { standingGrant } from '#access/domain/standing-grant.ts'
import { createGrantUses } from '#proxy/grant-uses.ts'
import { startRateLimits } from '#proxy/rate-limits.ts'
import { aGrant, aPerson, noon, provenOf, rulesOf, rulesText, serviceIn } from '../builders.ts'

/** As long as Redis is not there. */
const createNoLeases = () => ({
  ready: () => false,
  renew: () => Promise.reject(new Error('away')),
  leave: () => Promise.reject(new Error('away')),
})

test('A standing rule’s own terms share no rate with a tier, whatever the rule is called', () => {
  const rules = rulesOf(`${rulesText}
standing:
  - { from: payments, to: orders-svc, tier: observe }
  - { name: reading, from: payments, to: orders-svc, allow: [GET /a], rate: 1/m }
`)
  const service = serviceIn(rules)
  const [byTier, byPatterns] = rules.standing as [StandingRule, StandingRule]
  const [lowest] = service.tiers
  if (lowest === undefined || byPatterns.allow === undefined) throw new Error('the rules lack something')
  const terms = { ...byPatterns.allow.terms, name: lowest.name }
  const limits = startRateLimits({ leases: createNoLeases(), now: () => noon })
  const uses = createGrantUses(
    () => noon,
    () => undefined,
    limits,
  )
  const who = provenOf(aPerson())
  const reading = uses.of(standingGrant(rules, byPatterns, who))
  const bucket = uses.bucket(reading, service, terms)
  expect([bucket.take(noon), bucket.take(noon)]).toEqual([0, 61_000])
  const observing = uses.of(standingGrant(rules, byTier, who))
  expect(uses.bucket(observing, service, lowest).take(noon)).toBe(0)
  expect(uses.bucket(observing, service, lowest)).toBe(uses.bucket(reading, service, lowest))
  expect(uses.bucket(reading, service, terms)).toBe(bucket)
})

test('A bucket is kept with the use until it is forgotten', () => {
  const rules = rulesOf()
  const service = serviceIn(rules)
  const [tier] = service.tiers
  if (tier === undefined) throw new Error('the rules lack something')
  const made: { take: () => number; forgotten: boolean }[] = []
  const limits = {
    bucket: () => {
      const bucket = { take: () => 0, forgotten: false }
      made.push(bucket)
      return bucket
    },
  }
  const uses = createGrantUses(
    () => noon,
    () => undefined,
    limits,
  )
  const use = uses.of({ grant: aGrant(), statement: 'x', verified: true })
  const [first, again] = [uses.bucket(use, service, tier), uses.bucket(use, service, tier)]
  expect([first, again]).toEqual([made[0], made[0]])
  expect(made).toHaveLength(1)
  for (const bucket of made) bucket.forgotten = true
  expect(uses.bucket(use, service, tier)).toBe(made[1])
})
