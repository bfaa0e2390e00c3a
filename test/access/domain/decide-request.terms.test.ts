import { describe, expect, test } from 'vitest'
import {
  type Beyond,
  type DecisionRequest,
  decideRequest,
  isNewEnough,
  isSignedIn,
  isStrongEnough,
  mayHold,
  whyBeyond,
} from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Proven } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { createView } from '#access/domain/view.ts'
import {
  aGrant,
  aPerson,
  hour,
  minute,
  noon,
  nthId,
  pageWhy,
  provenOf,
  rulesOf,
  rulesText,
  serviceIn,
  tierIn,
} from '../../builders.ts'

const ana = provenOf(aPerson())
const ben = { ...aGrant().who, subject: 'idp-ben', name: 'Ben Okafor', at: noon, teams: ['sre', 'payments'] }
const ida = { ...ben, subject: 'idp-ida', name: 'Ida Berg' }
const own = { ...aGrant().who, at: noon, teams: ['sre'] }

const viewOf = (grants: readonly Grant[], headAt = noon) => {
  const view = createView()
  const next = view.resync(0)
  for (const [index, grant] of grants.entries())
    next.load({ ...grant, id: nthId(index) }, `statement ${index}`)
  next.commit()
  view.headSeen(headAt)
  return view
}
const decide = (rules: RuleSet, grants: readonly Grant[], request: Partial<DecisionRequest>, now = noon) =>
  decideRequest(
    rules,
    viewOf(grants, now),
    { who: ana, service: serviceIn(rules), method: 'GET', path: '/v1/orders', ...request },
    now,
  )

describe('A tier that demands a sign-in', () => {
  const demanding = (words: string): RuleSet =>
    rulesOf(
      rulesText
        .replace('when_stale: 2m,  reason', `when_stale: 2m, sign_in: { ${words} }, reason`)
        .replace('when_stale: 30s, reason', `when_stale: 30s, sign_in: { ${words} }, reason`),
    )
  const both = demanding('acr: mfa, max_age: 2h')
  const strong = demanding('acr: mfa')
  const recent = demanding('max_age: 2h')

  test.each<[string, RuleSet, Partial<Proven>, boolean]>([
    ['takes one of its kind, that is new', both, { acr: 'mfa', signedInAt: noon }, true],
    ['takes none of another kind', both, { acr: 'pwd', signedInAt: noon }, false],
    ['takes none that is old', both, { acr: 'mfa', signedInAt: noon - 2 * hour - 1 }, false],
    ['takes none of no kind', both, { signedInAt: noon }, false],
    ['takes none of no time', both, { acr: 'mfa' }, false],
    ['takes none that nothing is said of', both, {}, false],
    ['of a kind alone takes an old one', strong, { acr: 'mfa', signedInAt: 0 }, true],
    ['of a kind alone takes one of no time', strong, { acr: 'mfa' }, true],
    ['of a kind alone takes none of another', strong, { acr: 'MFA', signedInAt: noon }, false],
    ['of a kind alone takes none of no kind', strong, { signedInAt: noon }, false],
    ['of an age alone takes one of any kind', recent, { acr: 'pwd', signedInAt: noon }, true],
    ['of an age alone takes one of no kind', recent, { signedInAt: noon }, true],
    ['takes one of just that age', recent, { signedInAt: noon - 2 * hour }, true],
    ['takes none a millisecond older', recent, { signedInAt: noon - 2 * hour - 1 }, false],
    ['takes one half a minute ahead, by another clock', recent, { signedInAt: noon + 30_000 }, true],
    ['takes none further ahead', recent, { signedInAt: noon + 30_001 }, false],
    ['takes none at no time', recent, { signedInAt: Number.NaN }, false],
    ['of an age alone takes none of no time', recent, { acr: 'mfa' }, false],
  ])('%s', (_, rules, signIn, taken) => {
    const who = { ...ana, ...signIn }
    const tier = tierIn(serviceIn(rules), 'operate')
    expect(isSignedIn(tier, who, noon)).toBe(taken)
    expect(isStrongEnough(tier, who) && isNewEnough(tier, who, noon)).toBe(taken)
    const put = { who, method: 'PUT', path: '/v1/flags/x' }
    const decision = decide(rules, [aGrant()], put)
    if (taken) expect(decision).toMatchObject({ allow: true, tier: { name: 'operate' } })
    else {
      const { held: _held, ...denied } = decision as typeof decision & { allow: false }
      expect(denied).toStrictEqual({ allow: false, reason: 'sign-in-needed', needs: tier })
      expect(decision.held?.grant.tier).toBe('operate')
    }
    // What a lower tier admits counts under that one, which demands none.
    expect(decide(rules, [aGrant()], { who })).toMatchObject({ allow: true, tier: { name: 'observe' } })
  })

  test('is asked at every request, though the grant is the same', () => {
    const view = viewOf([aGrant({ until: noon + 2 * hour })], noon)
    const who = { ...ana, signedInAt: noon - hour }
    const at = (now: number) =>
      decideRequest(
        recent,
        { ...view, age: () => 0 },
        { who, service: serviceIn(recent), method: 'PUT', path: '/v1/flags/x' },
        now,
      ).allow
    expect([noon, noon + hour, noon + hour + 1, noon + hour].map(at)).toEqual([true, true, false, true])
  })

  test('is any that demands one', () => {
    const tier = tierIn(serviceIn(rulesOf()), 'operate')
    expect(isSignedIn(tier, ana, noon)).toBe(true)
    expect([isStrongEnough(tier, ana), isNewEnough(tier, ana, noon)]).toEqual([true, true])
  })
})

describe('A refusal is counted to', () => {
  const rules = rulesOf()
  const nowhere = { method: 'WS', path: '/live' }
  const counted = (grants: readonly Grant[], now: number, request: Partial<DecisionRequest> = nowhere) => {
    const decision = decide(rules, grants, request, now)
    return Object.hasOwn(decision, 'held') ? decision.held?.grant.id : 'none'
  }

  test('the pass that runs then, from its first millisecond to its last', () => {
    const edges = [noon - 1, noon, noon + hour - 1, noon + hour]
    expect(edges.map((now) => counted([aGrant()], now))).toEqual(['none', nthId(0), nthId(0), 'none'])
  })

  test('the first that runs, not one to come or one that is over', () => {
    const grants = [
      aGrant({ from: noon + hour, until: noon + 2 * hour }),
      aGrant({ from: noon - hour, until: noon }),
      aGrant(),
      aGrant(),
    ]
    expect(counted(grants, noon)).toBe(nthId(2))
  })

  test('that pass also when what is known of grants is old', () => {
    const request = { who: ana, service: serviceIn(rules), method: 'GET', path: '/' }
    const decision = decideRequest(rules, viewOf([aGrant()], noon), request, noon + 15 * minute + 1)
    expect(decision).toStrictEqual({
      allow: false,
      reason: 'view-stale',
      held: expect.objectContaining({ statement: 'statement 0' }),
    })
  })

  test('none where none is held, however old what is known of grants', () => {
    const request = { who: ana, service: serviceIn(rules), method: 'GET', path: '/' }
    expect(decideRequest(rules, viewOf([], noon), request, noon + 24 * hour)).toStrictEqual({
      allow: false,
      reason: 'grant-missing',
      needs: tierIn(serviceIn(rules), 'observe'),
    })
  })

  test('none where none is held', () => {
    expect(decide(rules, [], nowhere)).toStrictEqual({ allow: false, reason: 'tier-none' })
    expect(decide(rules, [], {})).toStrictEqual({
      allow: false,
      reason: 'grant-missing',
      needs: tierIn(serviceIn(rules), 'observe'),
    })
  })
})

describe('A grant is', () => {
  const page = { why: pageWhy() }
  const approving = 'approvals: { count: 1, from: [sre] }'
  const plain = rulesOf()
  const capped = rulesOf(rulesText.replace('    for: 2h', '    for: 1h\n    cap: 5h'))
  /** Orders takes approvals of two for what its page rule would give. */
  const strict = rulesOf(
    rulesText
      .replace(
        'operate: [POST /v1/orders/*/retry, PUT /v1/flags/*]',
        'operate: { allow: [PUT /v1/flags/*], approvals: { count: 2, from: [sre] } }',
      )
      .replace(approving, 'approvals: { count: 2, from: [sre] }'),
  )
  const distinct = rulesOf(
    rulesText.replace(approving, 'approvals: { count: 2, from: [sre, payments], distinct: teams }'),
  )
  const hours = rulesOf(
    rulesText
      .replace('    urgency: high', '    urgency: low\n    when: { hours: "01:00-02:00", zone: UTC }')
      .replace('levels: any', 'levels: 1')
      .replace('how: at once }', 'how: at once, when: { hours: "01:00-02:00", zone: UTC } }'),
  )
  /** A page gives less, too; who is of payments may ask for nothing. */
  const pagesOnly = rulesOf(
    rulesText
      .replace(
        'on_request:  ',
        '  - { services: ["*"], who: [sre], give: observe, how: auto, for: 1h }\non_request:  ',
      )
      .replace('who: [sre, payments], tiers', 'who: [sre], tiers'),
  )
  const [sre, payments, others] = [['sre'], ['team-payments'], ['team-x']]
  const admin = { tier: 'admin' }
  const of = (team: string, one = ben) => ({ ...one, teams: [team] })

  test.each<[string, RuleSet, readonly string[], Partial<Grant>, Beyond | undefined]>([
    ['within the rules', plain, payments, {}, undefined],
    ['within them at its longest', plain, payments, { until: noon + 2 * hour }, undefined],
    ['beyond them a millisecond longer', plain, payments, { until: noon + 2 * hour + 1 }, 'length'],
    ['beyond them in another environment', plain, payments, { environment: 'production' }, 'environment'],
    ['beyond them for people whom no rule names', plain, others, {}, 'people'],
    ['within them for a page', plain, payments, page, undefined],
    [
      'within them for a page longer than its tier, to its cap',
      capped,
      payments,
      { ...page, until: noon + 5 * hour },
      undefined,
    ],
    [
      'beyond them for a page longer than its cap',
      capped,
      payments,
      { ...page, until: noon + 5 * hour + 1 },
      'length',
    ],
    [
      'beyond them longer than its tier without a page',
      capped,
      payments,
      { until: noon + 5 * hour },
      'length',
    ],
    [
      'beyond them longer than its tier, where the page gives another',
      capped,
      payments,
      { ...page, tier: 'observe', until: noon + 8 * hour + 1 },
      'length',
    ],
    [
      'within them for a page of another tier, that they could ask for',
      plain,
      payments,
      { ...page, tier: 'observe' },
      undefined,
    ],
    ['beyond them for a page to people whom no rule names', plain, others, page, 'people'],
    [
      'within them for such a page that somebody approved',
      plain,
      others,
      { ...page, approvals: [ben] },
      undefined,
    ],
    [
      'beyond them for such a page that somebody approved who is no owner',
      plain,
      others,
      { ...page, approvals: [{ ...ben, teams: ['sre'] }] },
      'people',
    ],
    [
      'beyond them for such a page that its holder approved',
      plain,
      others,
      { ...page, approvals: [own] },
      'people',
    ],
    [
      'beyond them for what others asked for, though somebody approved it',
      plain,
      others,
      { approvals: [ben] },
      'people',
    ],
    [
      'beyond them for such a page that is too long, though somebody approved it',
      plain,
      others,
      { ...page, approvals: [ben], until: noon + 2 * hour + 1 },
      'length',
    ],
    ['within them with the approvals of its tier', plain, sre, { ...admin, approvals: [ben] }, undefined],
    ['beyond them without the approvals of its tier', plain, sre, admin, 'approvals'],
    ['beyond them with an approval of its holder', plain, sre, { ...admin, approvals: [own] }, 'approvals'],
    [
      'beyond them with an approval of somebody whose team approves no more',
      plain,
      sre,
      { ...admin, approvals: [{ ...ben, teams: ['guests'] }] },
      'approvals',
    ],
    [
      'beyond them for people who could not ask for it, though it is approved',
      plain,
      payments,
      { ...admin, approvals: [ben] },
      'people',
    ],
    [
      'within them for a page of such a tier that is approved, to anybody',
      plain,
      others,
      { ...admin, ...page, approvals: [ben] },
      undefined,
    ],
    [
      'beyond them for a page of such a tier that is not approved',
      plain,
      payments,
      { ...admin, ...page },
      'approvals',
    ],
    [
      'beyond them by the page’s rule, where the service takes approvals',
      strict,
      payments,
      page,
      'approvals',
    ],
    ['beyond them with one approval where it takes two', strict, payments, { approvals: [ben] }, 'approvals'],
    [
      'within them with two approvals where it takes two',
      strict,
      payments,
      { approvals: [ben, ida] },
      undefined,
    ],
    [
      'within them with the approvals of two teams',
      distinct,
      sre,
      { ...admin, approvals: [of('sre'), of('payments', ida)] },
      undefined,
    ],
    [
      'beyond them with two approvals of one team',
      distinct,
      sre,
      { ...admin, approvals: [of('sre'), of('sre', ida)] },
      'approvals',
    ],
    [
      'beyond them with an approval of a team that does not approve',
      distinct,
      sre,
      { ...admin, approvals: [of('sre'), of('x', ida)] },
      'approvals',
    ],
    ['within them for a page by one of several rules', pagesOnly, payments, page, undefined],
    [
      'beyond them for a page of a lower tier than its rule gives, that they could not ask for',
      pagesOnly,
      payments,
      { ...page, tier: 'observe' },
      'people',
    ],
    ['within them outside the hours in which it was given', hours, payments, {}, undefined],
    [
      'within them for a page outside the hours, level and urgency of its rule',
      hours,
      payments,
      page,
      undefined,
    ],
  ])('%s', (_, rules, groups, changes, beyond) => {
    const service = serviceIn(rules)
    const grant = aGrant(changes)
    const who = { ...ana, groups }
    const tier = tierIn(service, grant.tier)
    expect(whyBeyond(rules, service, tier, who, grant, noon)).toBe(beyond)
    expect(mayHold(rules, service, tier, who, grant, noon)).toBe(beyond === undefined)
  })

  test('within the rules until a set of people has its end', () => {
    const rules = rulesOf(
      rulesText.replace('[team-payments] }', '[team-payments], until: 2026-01-15T12:30Z }'),
    )
    const service = serviceIn(rules)
    const why = (now: number, changes: Partial<Grant> = {}) =>
      whyBeyond(rules, service, tierIn(service, 'operate'), ana, aGrant(changes), now)
    const edges = [noon + 30 * minute - 1, noon + 30 * minute]
    expect(edges.map((now) => why(now))).toEqual([undefined, 'people'])
    expect(edges.map((now) => why(now, page))).toEqual([undefined, 'people'])
  })
})
