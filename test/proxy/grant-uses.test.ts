import { expect, test } from 'vitest'
import type { StandingRule } from '#access/domain/rule-set.ts'
import { standingGrant } from '#access/domain/standing-grant.ts'
import { createGrantUses } from '#proxy/grant-uses.ts'
import { aPerson, noon, provenOf, rulesOf, rulesText, serviceIn } from '../builders.ts'

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
  const uses = createGrantUses(
    () => noon,
    () => undefined,
  )
  const who = provenOf(aPerson())
  const reading = uses.of(standingGrant(rules, byPatterns, who))
  const bucket = uses.bucket(reading, service, terms)
  expect([bucket.take(noon), bucket.take(noon)]).toEqual([0, 60_000])
  const observing = uses.of(standingGrant(rules, byTier, who))
  expect(uses.bucket(observing, service, lowest).take(noon)).toBe(0)
  expect(uses.bucket(observing, service, lowest)).toBe(uses.bucket(reading, service, lowest))
  expect(uses.bucket(reading, service, terms)).toBe(bucket)
})
