import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideExtension, latestEnd } from '#access/domain/decide-extension.ts'
import { doubts, type Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { aGrant, aPerson, hour, minute, noon, pageWhy, rulesOf, rulesText } from '../../builders.ts'

const withPage = (words: string): RuleSet => rulesOf(rulesText.replace('    for: 2h', `    ${words}`))
const plain = rulesOf()
const capped = withPage('for: 1h\n    cap: 5h')
const paged = aGrant({ why: pageWhy() })
const approvals = [{ ...paged.who, subject: 'idp-ben', at: noon, teams: ['sre'] }]

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
    ['that its holder kept', { grant: { ...paged, kept: true } }, { reason: 'pass-ending' }],
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
      { reason: 'not-eligible', tier: 'admin' },
    ],
    [
      'of a tier that is no more',
      { grant: aGrant({ tier: 'root' }) },
      { reason: 'not-eligible', tier: 'root' },
    ],
    [
      'of a service that is no more',
      { grant: aGrant({ services: ['orders-svc', 'gone'] }) },
      { reason: 'not-eligible', tier: 'operate' },
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
      { reason: 'not-eligible', tier: 'operate' },
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
      { reason: 'extension-too-long', longest: hour, tier: 'operate' },
    ],
    [
      'by less than a second',
      { duration: 999 },
      { reason: 'extension-too-long', longest: hour, tier: 'operate' },
    ],
    ['by nothing', { duration: 0 }, { reason: 'extension-too-long', longest: hour, tier: 'operate' }],
    [
      'by less than nothing',
      { duration: -hour },
      { reason: 'extension-too-long', longest: hour, tier: 'operate' },
    ],
    [
      'by what is no number',
      { duration: Number.NaN },
      { reason: 'extension-too-long', longest: hour, tier: 'operate' },
    ],
  ])('%s', (_, given, refusal) => {
    expect(extend(given)).toStrictEqual({ refusal })
  })
})

const extending = (terms: string, text = rulesText): RuleSet =>
  rulesOf(text.replace('when_stale: 2m,  reason', `when_stale: 2m, extend: { ${terms} }, reason`))

describe('How often a pass may be extended', () => {
  const often = (count: number, extended?: number, grant: Partial<Grant> = {}) =>
    extend({
      rules: extending(`count: ${count}`),
      grant: aGrant({ ...grant, ...(extended === undefined ? {} : { extended }) }),
      duration: minute,
    })
  const longer = { until: noon + hour + minute }
  const spent = { refusal: { reason: 'extension-spent' } }

  test.each<[string, number, number | undefined, object]>([
    ['is never, where its tier says so', 0, undefined, spent],
    ['is once, for the first time', 1, undefined, longer],
    ['is not twice, where it is once', 1, 1, spent],
    ['is three times, for the last time', 3, 2, longer],
    ['is not four times, where it is three', 3, 3, spent],
    ['is not more often, where the rules have become stricter', 1, 3, spent],
  ])('%s', (_, count, extended, expected) => {
    expect(often(count, extended)).toStrictEqual(expected)
  })

  test('is as often as its time lasts, where its tier does not say', () => {
    expect(extend({ grant: aGrant({ extended: 99 }), duration: minute })).toStrictEqual(longer)
  })

  test('is as for any other, where it came with a page', () => {
    expect(often(1, undefined, { why: pageWhy() })).toStrictEqual(longer)
    expect(often(1, 1, { why: pageWhy() })).toStrictEqual(spent)
  })
})

describe('By how much a pass may be extended', () => {
  const half = extending('share: 50%')
  const tooLong = (longest: number) => ({
    refusal: { reason: 'extension-too-long', longest, tier: 'operate' },
  })

  test.each<[string, Given, object]>([
    ['is its share, if nobody says more', { rules: half }, { until: noon + 90 * minute }],
    [
      'is what they say, up to its share',
      { rules: half, duration: 30 * minute },
      { until: noon + 90 * minute },
    ],
    ['is no more than its share', { rules: half, duration: 30 * minute + 1 }, tooLong(30 * minute)],
    [
      'is a share of what it first gave, however often it was extended',
      { rules: half, grant: aGrant({ extended: 1, until: noon + 80 * minute }), now: noon + hour },
      { until: noon + 110 * minute },
    ],
    [
      'is no more than is left to its longest, though its share is more',
      { rules: half, grant: aGrant({ until: noon + 110 * minute }) },
      { until: noon + 2 * hour },
    ],
    [
      'is whole milliseconds',
      { rules: half, grant: aGrant({ duration: 5_001 }) },
      { until: noon + hour + 2_500 },
    ],
    [
      'is nothing, where the share is less than a second',
      { rules: half, grant: aGrant({ duration: 1_999 }) },
      { refusal: { reason: 'extension-spent' } },
    ],
    [
      'is a second, where the share is just that',
      { rules: half, grant: aGrant({ duration: 2_000 }) },
      { until: noon + hour + 1_000 },
    ],
    ['is a second at least', { duration: 1_000 }, { until: noon + hour + 1_000 }],
    ['is all of it, where it says so', { rules: extending('share: 100%') }, { until: noon + 2 * hour }],
    [
      'is as for any other, where it came with a page',
      { rules: half, grant: paged },
      { until: noon + 90 * minute },
    ],
  ])('%s', (_, given, expected) => {
    expect(extend(given)).toStrictEqual(expected)
  })
})

describe('A pass for several services lasts as the strictest of them says', () => {
  const both = { services: ['orders-svc', 'payments-svc'] }
  const payments = (terms: string): RuleSet =>
    rulesOf(
      rulesText.replace('    labels: [tier-1]', `    labels: [tier-1]\n    tiers: { operate: { ${terms} } }`),
    )
  const swapped = { services: ['payments-svc', 'orders-svc'] }

  test.each<[string, string, object]>([
    ['how long', 'longest: 90m', { until: noon + 90 * minute }],
    ['how much', 'extend: { share: 25% }', { until: noon + 75 * minute }],
    ['how often', 'extend: { count: 0 }', { refusal: { reason: 'extension-spent' } }],
    [
      'and whether it is theirs at all',
      'approvals: { from: [sre] }',
      { refusal: { reason: 'not-eligible', tier: 'operate' } },
    ],
  ])('%s', (_, terms, expected) => {
    expect(extend({ rules: payments(terms), grant: aGrant(both) })).toStrictEqual(expected)
    expect(extend({ rules: payments(terms), grant: aGrant(swapped) })).toStrictEqual(expected)
  })
})

describe('While a freeze holds', () => {
  const frozenText = `${rulesText}
freeze:
  - { services: [payments-svc], tiers: [operate, admin], from: 2026-01-15T12:00Z, until: 2026-01-15T12:30Z, because: sales }
`
  const frozen = rulesOf(frozenText)
  const grant = (changes: Partial<Grant>): Grant =>
    aGrant({ services: ['orders-svc', 'payments-svc'], ...changes })
  const until = noon + 30 * minute
  const refused = { refusal: { reason: 'frozen', until, because: 'sales', tier: 'operate' } }

  test('what was asked for is not extended, from its first millisecond to its last', () => {
    const decided = [noon - 1, noon, until - 1, until].map((now) =>
      extend({ rules: frozen, grant: grant({}), now }),
    )
    expect(decided).toStrictEqual([{ until: noon + 2 * hour }, refused, refused, { until: noon + 2 * hour }])
  })

  test.each(doubts.filter((doubt) => !['page-late', 'page-too-often'].includes(doubt)))(
    'nor is what came in the doubt %s',
    (doubt) => {
      const why = { ...pageWhy(), rule: 'on_request[0]', doubt } as Grant['why']
      expect(extend({ rules: frozen, grant: grant({ why }) })).toStrictEqual(refused)
    },
  )

  test.each<[string, (text: string) => string]>([
    ['is no more', (text) => text.replace('- services:', '- name: another\n    services:')],
    ['gives another tier', (text) => text.replace('give: operate', 'give: observe')],
    ['names other people', (text) => text.replace('who: [payments, sre]', 'who: [sre]')],
    ['is not for one of its services', (text) => text.replace('[label:tier-1]', '[orders-svc]')],
  ])('nor is what a page rule gave that %s by now', (_, change) => {
    const changed = rulesOf(change(frozenText))
    expect(changed.hash).not.toBe(frozen.hash)
    const why = pageWhy()
    expect(extend({ rules: changed, grant: grant({ why }) })).toStrictEqual(refused)
    expect(extend({ rules: changed, grant: grant({ why }), now: until })).toStrictEqual({
      until: noon + 2 * hour,
    })
  })

  test('a page rule holds its pass on the services that it is for, whatever freezes hold those', () => {
    const changed = rulesOf(frozenText.replace('[label:tier-1]', '[payments-svc]'))
    expect(extend({ rules: changed, grant: grant({ why: pageWhy() }) })).toStrictEqual({
      until: noon + 2 * hour,
    })
  })

  test.each<[string, Partial<Grant>, number]>([
    ['what a page rule gave is', { why: pageWhy() }, noon + 2 * hour],
    [
      'what a page rule gave late is',
      { why: { ...pageWhy(), doubt: 'page-late' } as Grant['why'] },
      noon + 2 * hour,
    ],
    ['what is of another tier is', { tier: 'observe' }, noon + 2 * hour],
    ['what is for another service is', { services: ['orders-svc'] }, noon + 2 * hour],
  ])('%s', (_, changes, expected) => {
    expect(extend({ rules: frozen, grant: grant(changes) })).toStrictEqual({ until: expected })
  })
})

describe('In certain hours', () => {
  const hours = rulesOf(
    rulesText.replace('how: at once }', 'how: at once, when: { hours: "11:00-12:30", zone: UTC } }'),
  )
  const until = noon + 30 * minute
  const refused = { refusal: { reason: 'not-eligible', tier: 'operate' } }
  const edges = (why: Grant['why']) =>
    [until - 1, until].map((now) => extend({ rules: hours, grant: aGrant({ why }), now }))

  test.each<[string, Grant['why']]>([
    ['what was asked for', aGrant().why],
    ['what came in doubt', { ...pageWhy(), rule: 'on_request[0]', doubt: 'page-by-self' } as Grant['why']],
  ])('%s is extended in those', (_, why) => {
    expect(edges(why)).toStrictEqual([{ until: noon + 2 * hour }, refused])
  })

  test('what a page rule gave is extended at any', () => {
    expect(edges(pageWhy())).toStrictEqual([{ until: noon + 2 * hour }, { until: noon + 2 * hour }])
  })
})

describe('The latest end of a pass', () => {
  const latest = (rules: RuleSet, grant: Grant, now = noon, groups = ['team-payments']) =>
    latestEnd(rules, grant, aPerson({ groups }), now)

  test.each<[string, RuleSet, Grant, number, number]>([
    ['of what was asked for is its tier’s longest in all', plain, aGrant(), noon + hour, noon + 2 * hour],
    ['of a page is its cap', capped, paged, noon + 4 * hour, noon + 5 * hour],
    [
      'of a page is no further ahead than its tier’s longest',
      capped,
      paged,
      noon + minute,
      noon + 121 * minute,
    ],
  ])('%s', (_, rules, grant, now, end) => {
    expect(latest(rules, grant, now)).toBe(end)
  })

  test.each<[string, RuleSet, Grant, readonly string[]]>([
    ['of people whom no rule names', plain, aGrant(), ['team-x']],
    [
      'of a page of another tier than its rule gives, where they could not ask for it',
      plain,
      { ...paged, tier: 'admin' },
      ['team-payments'],
    ],
    ['of a tier that is no more', plain, aGrant({ tier: 'root' }), ['team-payments']],
    ['of a service that is no more', plain, aGrant({ services: ['gone'] }), ['team-payments']],
  ])('is not known %s', (_, rules, grant, groups) => {
    expect(latest(rules, grant, noon, [...groups])).toBeUndefined()
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
