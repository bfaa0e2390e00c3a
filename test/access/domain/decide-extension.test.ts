import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideExtension } from '#access/domain/decide-extension.ts'
import type { Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { aGrant, aPerson, hour, minute, noon, pageWhy, rulesOf, rulesText } from '../../builders.ts'

const withPage = (words: string): RuleSet => rulesOf(rulesText.replace('    for: 2h', `    ${words}`))
const plain = rulesOf()
const capped = withPage('for: 1h\n    cap: 5h')
const paged = aGrant({ why: pageWhy() })
const approvals = [{ ...paged.who, subject: 'idp-ben', at: noon }]

type Given = {
  readonly rules?: RuleSet
  readonly grant?: Grant
  readonly person?: Parameters<typeof aPerson>[0]
  readonly duration?: number
  readonly now?: number
}
const extend = ({ rules = plain, grant = aGrant(), person = {}, duration, now = noon }: Given) =>
  decideExtension(rules, grant, aPerson(person), duration, now)

describe('A pass lasts longer', () => {
  test.each<[string, Given, number]>([
    [
      'by as much as it first gave, if nobody says more',
      { grant: aGrant({ tier: 'observe' }) },
      noon + 2 * hour,
    ],
    ['by as much as they say', { duration: 20 * minute }, noon + 80 * minute],
    [
      'to the tier’s longest and no further',
      { grant: aGrant({ until: noon + 90 * minute }) },
      noon + 2 * hour,
    ],
    ['by exactly what is left', { duration: hour }, noon + 2 * hour],
    [
      'by a second, the least there is',
      { grant: aGrant({ until: noon + 2 * hour - 1_000 }) },
      noon + 2 * hour,
    ],
    [
      'of a page beyond the tier’s longest in all',
      { rules: capped, grant: paged, now: noon + 59 * minute },
      noon + 2 * hour,
    ],
    [
      'of a page no further ahead than the tier’s longest',
      { rules: capped, grant: { ...paged, until: noon + 110 * minute }, now: noon + minute },
      noon + 121 * minute,
    ],
    [
      'of a page to its cap and no further',
      { rules: capped, grant: { ...paged, until: noon + 4.5 * hour }, now: noon + 4 * hour },
      noon + 5 * hour,
    ],
    [
      'of a page as one that is asked for, where its rule names other people by now',
      { rules: rulesOf(rulesText.replace('who: [payments, sre]', 'who: [sre]')), grant: paged },
      noon + 2 * hour,
    ],
  ])('%s', (_, given, expected) => {
    expect(extend(given)).toEqual({ until: expected })
  })
})

describe('A pass does not last longer', () => {
  test.each<[string, Given, object]>([
    ['for somebody who left', { person: { active: false } }, { reason: 'person-inactive' }],
    [
      'when its incident let go of it',
      { grant: { ...paged, ending: { cause: 'incident over', was: noon + hour, at: noon, keepable: true } } },
      { reason: 'pass-ending' },
    ],
    [
      'where others approved it as it is',
      { grant: aGrant({ approvals }) },
      { reason: 'approval-needed', tier: 'operate' },
    ],
    [
      'for people no rule names any more',
      { person: { groups: ['team-x'] } },
      { reason: 'not-eligible', tier: 'operate' },
    ],
    [
      'of a tier that takes approvals',
      { grant: aGrant({ tier: 'admin' }), person: { groups: ['sre'] } },
      { reason: 'not-eligible' },
    ],
    ['of a tier that is no more', { grant: aGrant({ tier: 'root' }) }, { reason: 'not-eligible' }],
    [
      'of a service that is no more',
      { grant: aGrant({ services: ['orders-svc', 'gone'] }) },
      { reason: 'not-eligible' },
    ],
    [
      'of a page whose rule is for other services by now, where they could not ask',
      {
        rules: rulesOf(
          rulesText
            .replace('services: [label:tier-1]', 'services: [payments-svc]')
            .replace('who: [sre, payments], tiers', 'who: [sre], tiers'),
        ),
        grant: paged,
      },
      { reason: 'not-eligible' },
    ],
    ['at its longest', { grant: aGrant({ until: noon + 2 * hour }) }, { reason: 'extension-spent' }],
    [
      'less than a second before its longest',
      { grant: aGrant({ until: noon + 2 * hour - 999 }) },
      { reason: 'extension-spent' },
    ],
    [
      'beyond its longest, where the rules have become shorter',
      { grant: aGrant({ until: noon + 3 * hour }) },
      { reason: 'extension-spent' },
    ],
    [
      'by more than is left',
      { duration: hour + 1 },
      { reason: 'extension-too-long', longest: hour, tier: 'operate' },
    ],
    [
      'by an eternity',
      { duration: Number.MAX_SAFE_INTEGER },
      { reason: 'extension-too-long', longest: hour },
    ],
    ['by less than a second', { duration: 999 }, { reason: 'extension-too-long', longest: hour }],
    ['by nothing', { duration: 0 }, { reason: 'extension-too-long', longest: hour }],
    ['by less than nothing', { duration: -hour }, { reason: 'extension-too-long', longest: hour }],
    ['by what is no number', { duration: Number.NaN }, { reason: 'extension-too-long', longest: hour }],
  ])('%s', (_, given, refusal) => {
    expect(extend(given)).toEqual({ refusal: expect.objectContaining(refusal) })
  })
})

test('No series of extensions goes beyond what the rules give, or ever makes a pass shorter', () => {
  const wish = fc.record({
    duration: fc.option(fc.integer({ min: 1_000, max: 3 * hour }), { nil: undefined }),
    after: fc.integer({ min: 0, max: hour }),
  })
  const kind = fc.constantFrom<[RuleSet, Grant, number][]>(
    [plain, aGrant(), 2 * hour],
    [plain, aGrant({ tier: 'observe' }), 8 * hour],
    [plain, paged, 2 * hour],
    [capped, paged, 5 * hour],
    [withPage('for: 1h\n    cap: 12h'), paged, 12 * hour],
  )
  let extended = 0
  fc.assert(
    fc.property(kind, fc.array(wish, { minLength: 1, maxLength: 30 }), ([rules, first, longest], wishes) => {
      let grant = first
      let now = first.from
      for (const { duration, after } of wishes) {
        now = Math.min(now + after, grant.until - 1)
        const decision = decideExtension(rules, grant, aPerson(), duration, now)
        if ('refusal' in decision) continue
        extended += 1
        const next = nextVersion(grant, 'extended', decision, now)
        expect(next.until).toBeGreaterThan(grant.until)
        if (duration !== undefined) expect(next.until).toBe(grant.until + duration)
        expect(next.until - next.from).toBeLessThanOrEqual(longest)
        const ahead = grant.why.kind === 'page' ? 2 * hour : longest
        expect(next.until - now).toBeLessThanOrEqual(ahead)
        expect(next.from).toBe(first.from)
        grant = next
      }
    }),
    { numRuns: 1_000 },
  )
  expect(extended).toBeGreaterThan(100)
})
