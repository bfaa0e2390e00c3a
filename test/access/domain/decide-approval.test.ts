import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { couldApprove, decideApproval, isApproved } from '#access/domain/decide-approval.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { aGrant, aPerson, hour, noon, rulesOf, rulesText } from '../../builders.ts'

const rules = rulesOf()
const ben = aPerson({ subject: 'idp-ben', name: 'Ben Okafor', groups: ['sre'] })
const pending = (changes: Partial<Grant> = {}): Grant =>
  aGrant({ state: 'pending', step: 'asked', approvers: { from: ['sre'], count: 2 }, ...changes })
const approvedBy = ({ issuer, subject, name }: Person) => ({
  issuer,
  subject,
  name,
  at: noon,
  teams: ['sre'],
})
const { approvers: _, ...nobodys } = pending()
const own = approvedBy(aPerson())

describe('Whether somebody may decide', () => {
  test.each<[string, Grant, Person, object]>([
    ['one of the approvers may, and more are needed', pending(), ben, { may: true, completes: false }],
    [
      'the last one it takes completes it',
      pending({ approvals: [approvedBy(aPerson({ subject: 'idp-ida' }))] }),
      ben,
      { may: true, completes: true },
    ],
    [
      'one is enough where it takes one',
      pending({ approvers: { from: ['sre'], count: 1 } }),
      ben,
      { may: true, completes: true },
    ],
    [
      'an approval of the asker counts for nothing',
      pending({ approvals: [approvedBy(aPerson())] }),
      ben,
      { may: true, completes: false },
    ],
    [
      'two approvals of one person count once',
      pending({
        approvers: { from: ['sre'], count: 3 },
        approvals: [approvedBy(aPerson({ subject: 'x' })), approvedBy(aPerson({ subject: 'x', name: 'X' }))],
      }),
      ben,
      { may: true, completes: false },
    ],
    ['nobody for themself', pending(), aPerson({ groups: ['sre'] }), { may: false, reason: 'own-request' }],
    [
      'nobody for themself under another name, account or group',
      pending(),
      { issuer: aPerson().issuer, subject: 'idp-ana', name: 'Someone', groups: ['sre'], active: true },
      { may: false, reason: 'own-request' },
    ],
    [
      'nobody of other groups',
      pending(),
      { ...ben, groups: ['team-payments'] },
      { may: false, reason: 'not-approver' },
    ],
    [
      'nobody of the name of a set, but not of its groups',
      pending({ approvers: { from: ['payments'], count: 1 } }),
      { ...ben, groups: ['payments'] },
      { may: false, reason: 'not-approver' },
    ],
    [
      'nobody for a set that is no more',
      pending({ approvers: { from: ['gone'], count: 1 } }),
      ben,
      { may: false, reason: 'not-approver' },
    ],
    ['nobody where nobody is named', nobodys, ben, { may: false, reason: 'not-approver' }],
    ['nobody who left', pending(), { ...ben, active: false }, { may: false, reason: 'person-inactive' }],
    [
      'nobody twice',
      pending({ approvals: [approvedBy(ben)] }),
      ben,
      { may: false, reason: 'already-decided' },
    ],
    [
      'nobody of another issuer, whatever their groups',
      pending(),
      { ...ben, issuer: 'https://other.example', subject: 'idp-ana' },
      { may: false, reason: 'not-approver' },
    ],
  ])('%s', (_, grant, person, expected) => {
    expect(decideApproval(rules, grant, person, noon)).toMatchObject(expected)
  })
})

/** Teams named a to e; somebody of `ab` is of the teams a and b. */
const teamRules = rulesOf(
  rulesText.replace(
    '  sre:      { groups: [sre] }',
    [
      '  sre:      { groups: [sre] }',
      ...['a', 'b', 'c', 'd', 'e'].map((team) => `  ${team}: { groups: [${team}] }`),
      '  visitors: { groups: [visitors], until: 2026-01-15T12:00Z }',
    ].join('\n'),
  ),
)
const of = (teams: string, subject = `idp-${teams}`): Person =>
  aPerson({ subject, name: teams, groups: [...teams] })
const approval = (teams: string, subject?: string) => ({
  ...approvedBy(of(teams, subject)),
  teams: [...teams],
})
const ofTeams = (
  count: number,
  from: string,
  approvals: readonly ReturnType<typeof approval>[] = [],
): Grant => pending({ approvers: { from: [...from], count, distinct: true }, approvals: [...approvals] })

describe('Where each approval must come from another team, somebody may decide', () => {
  test.each<[string, Grant, Person, object]>([
    ['as the first', ofTeams(2, 'ab'), of('a'), { may: true, completes: false, teams: ['a'] }],
    [
      'and their teams are told, of those that approve',
      ofTeams(2, 'ab'),
      of('cba'),
      { may: true, completes: false, teams: ['a', 'b'] },
    ],
    [
      'for another team than the first',
      ofTeams(2, 'ab', [approval('a')]),
      of('b'),
      { may: true, completes: true, teams: ['b'] },
    ],
    [
      'not for the team that has approved',
      ofTeams(2, 'ab', [approval('a')]),
      of('a', 'idp-other'),
      { may: false, reason: 'team-decided' },
    ],
    [
      'of the team that has approved, if the first can stand for another of theirs',
      ofTeams(2, 'ab', [approval('ab')]),
      of('a'),
      { may: true, completes: true, teams: ['a'] },
    ],
    [
      'of the other team, if the first can stand for another of theirs',
      ofTeams(2, 'ab', [approval('ab')]),
      of('b'),
      { may: true, completes: true, teams: ['b'] },
    ],
    [
      'if a whole row of others makes way',
      ofTeams(4, 'abcd', [approval('ab'), approval('bc'), approval('cd')]),
      of('a', 'idp-new'),
      { may: true, completes: true, teams: ['a'] },
    ],
    [
      'if others make way at the second try',
      ofTeams(4, 'abcd', [approval('ab'), approval('ac'), approval('bd')]),
      of('a', 'idp-new'),
      { may: true, completes: true, teams: ['a'] },
    ],
    [
      'not if nobody can make way',
      ofTeams(4, 'abcd', [approval('ab'), approval('ba'), approval('c')]),
      of('abc'),
      { may: false, reason: 'team-decided' },
    ],
    [
      'and completes nothing that takes one more',
      ofTeams(3, 'abc', [approval('ab')]),
      of('a', 'idp-new'),
      { may: true, completes: false, teams: ['a'] },
    ],
    [
      'whatever the asker approved',
      ofTeams(2, 'ab', [{ ...own, teams: ['a'] }]),
      of('a', 'idp-new'),
      { may: true, completes: false, teams: ['a'] },
    ],
    [
      'not twice, also for another team',
      ofTeams(2, 'ab', [approval('a', 'idp-x')]),
      of('b', 'idp-x'),
      { may: false, reason: 'already-decided' },
    ],
    [
      'beside an approval that no team is told of',
      ofTeams(2, 'ab', [{ ...approval('a'), teams: [] }]),
      of('a', 'idp-new'),
      { may: true, completes: false, teams: ['a'] },
    ],
    ['not of other teams', ofTeams(2, 'ab'), of('c'), { may: false, reason: 'not-approver' }],
  ])('%s', (_, grant, person, expected) => {
    expect(decideApproval(teamRules, grant, person, noon)).toStrictEqual(expected)
  })

  test('of any of the teams where approvals of one team count', () => {
    const grant = pending({ approvers: { from: ['a', 'b'], count: 2 }, approvals: [approval('a')] })
    expect(decideApproval(teamRules, grant, of('a', 'idp-new'), noon)).toStrictEqual({
      may: true,
      completes: true,
      teams: ['a'],
    })
  })

  test('until their set of people has its end', () => {
    const grant = pending({ approvers: { from: ['visitors'], count: 1 } })
    const visitor = aPerson({ subject: 'idp-vi', groups: ['visitors'] })
    expect(decideApproval(teamRules, grant, visitor, noon - 1)).toMatchObject({ may: true })
    expect(decideApproval(teamRules, grant, visitor, noon)).toStrictEqual({
      may: false,
      reason: 'not-approver',
    })
  })
})

describe('The approvals that a grant carries are', () => {
  const carrying = (...approvals: readonly NonNullable<Grant['approvals']>[number][]): Grant =>
    aGrant({ approvals: [...approvals] })
  const { approvals: __, ...bare } = aGrant()

  test.each<[string, Grant, Parameters<typeof isApproved>[1], boolean]>([
    ['enough for nothing, if there are none', bare, { count: 0 }, true],
    ['not enough, if there are none', bare, { count: 1 }, false],
    ['as many as there are people', carrying(approval('a'), approval('b')), { count: 2 }, true],
    ['not one more', carrying(approval('a'), approval('b')), { count: 3 }, false],
    ['one of each person', carrying(approval('a'), approval('b', 'idp-a')), { count: 2 }, false],
    ['none of its holder', carrying(approval('a'), own), { count: 2 }, false],
    ['of the teams told of', carrying(approval('a'), approval('b')), { count: 2, distinct: true }, true],
    [
      'of one team once',
      carrying(approval('a'), approval('a', 'idp-x')),
      { count: 2, distinct: true },
      false,
    ],
    [
      'of one team twice, where that counts',
      carrying(approval('a'), approval('a', 'idp-x')),
      { count: 2 },
      true,
    ],
    [
      'of one team twice, where it is said that that counts',
      carrying(approval('a'), approval('a', 'idp-x')),
      { count: 2, distinct: false, from: ['a'] },
      true,
    ],
    [
      'of the teams that approve now',
      carrying(approval('a'), approval('bc')),
      { count: 2, distinct: true, from: ['a', 'c'] },
      true,
    ],
    [
      'of no team that no longer approves',
      carrying(approval('a'), approval('b')),
      { count: 2, distinct: true, from: ['a', 'c'] },
      false,
    ],
    [
      'of no team, if none is told of',
      carrying({ ...approval('a'), teams: [] }),
      { count: 1, distinct: true },
      false,
    ],
    [
      'of nobody whose team approves no longer',
      carrying(approval('a'), approval('b')),
      { count: 2, from: ['a', 'c'] },
      false,
    ],
    [
      'of whoever belongs to one that approves',
      carrying(approval('a'), approval('bc')),
      { count: 2, from: ['a', 'c'] },
      true,
    ],
    [
      'of nobody who approved as one of them once, and as none of them later',
      carrying(approval('a', 'idp-x'), approval('b', 'idp-x')),
      { count: 1, from: ['a'] },
      false,
    ],
    ['of no team of its holder', carrying({ ...own, teams: ['a'] }), { count: 1, distinct: true }, false],
    [
      'of the teams of which people were when they last approved',
      carrying(approval('a', 'idp-x'), approval('b', 'idp-x'), approval('a')),
      { count: 2, distinct: true },
      true,
    ],
  ])('%s', (_, grant, demand, enough) => {
    expect(isApproved(grant, demand)).toBe(enough)
  })
})

describe('Whether people together could approve', () => {
  test.each<[string, readonly string[], number, string, boolean, boolean]>([
    // teams of each person, how many it takes, the teams that approve, whether distinct, whether they could
    ['nobody could', [], 1, 'a', false, false],
    ['nobody could, of distinct teams', [], 1, 'a', true, false],
    ['one could', ['a'], 1, 'a', false, true],
    ['one could not do for two', ['ab'], 2, 'ab', true, false],
    ['two of a team could', ['a', 'a'], 2, 'ab', false, true],
    ['two of a team could not, of distinct teams', ['a', 'a'], 2, 'ab', true, false],
    ['two could, of a team each', ['a', 'b'], 2, 'ab', true, true],
    ['others do not help', ['a', 'c', 'd'], 2, 'ab', false, false],
    ['others do not help, of distinct teams', ['a', 'c'], 2, 'ab', true, false],
    ['the first makes way', ['ab', 'a'], 2, 'ab', true, true],
    ['the first need not make way', ['ba', 'a'], 2, 'ab', true, true],
    ['a row of people makes way', ['ab', 'bc', 'cd', 'de', 'a'], 5, 'abcde', true, true],
    ['one of three cannot find a place among two teams', ['ab', 'ab', 'ab', 'c'], 4, 'abc', true, false],
    ['more than it takes', ['a', 'b', 'c'], 2, 'abc', true, true],
  ])('%s', (_, teams, count, from, distinct, could) => {
    const people = teams.map((groups, index) => of(groups, `idp-${index}`))
    expect(couldApprove(teamRules, people, { count, from: [...from], distinct }, noon)).toBe(could)
  })

  test('is not said of distinct teams where nothing demands them', () => {
    const people = [of('a', 'idp-1'), of('a', 'idp-2')]
    expect(couldApprove(teamRules, people, { count: 2, from: ['a', 'b'] }, noon)).toBe(true)
  })

  test('goes by the sets of people as they are then', () => {
    const visitor = [aPerson({ groups: ['visitors'] })]
    const demand = { count: 1, from: ['visitors'] }
    expect([noon - 1, noon].map((now) => couldApprove(teamRules, visitor, demand, now))).toEqual([
      true,
      false,
    ])
  })

  test('of distinct teams is found whatever they belong to, in whatever order', () => {
    const teams = fc.subarray(['a', 'b', 'c', 'd', 'e']).map((all) => all.join(''))
    /** The most by trying each person for each team. */
    const most = (people: readonly string[], free: readonly string[]): number => {
      const [first, ...rest] = people
      if (first === undefined) return 0
      const placed = [...first]
        .filter((team) => free.includes(team))
        .map(
          (team) =>
            1 +
            most(
              rest,
              free.filter((other) => other !== team),
            ),
        )
      return Math.max(most(rest, free), ...placed)
    }
    fc.assert(
      fc.property(fc.array(teams, { maxLength: 5 }), (groups) => {
        const people = groups.map((one, index) => of(one, `idp-${index}`))
        const count = most(groups, [...'abcde'])
        const could = (wanted: number) =>
          couldApprove(teamRules, people, { count: wanted, from: [...'abcde'], distinct: true }, noon)
        expect([could(count), could(count + 1)]).toEqual([true, false])
      }),
      { numRuns: 500 },
    )
  })
})

test('Nobody approves for themself, whatever aliases point at whom', () => {
  /** People with any number of aliases: some linked, some not, several of one set, each alias one person’s at most. */
  const people = fc
    .array(
      fc.record({
        issuer: fc.constantFrom(rules.identity.issuer, rules.identity.issuer, 'https://two.example'),
        subject: fc.constantFrom('a', 'b', 'c', 'd'),
        groups: fc.subarray(['sre', 'team-payments', 'team-x']),
        active: fc.constantFrom(true, true, true, false),
        alias: fc.option(fc.nat(9), { nil: undefined }),
      }),
      { minLength: 2, maxLength: 6 },
    )
    .map((all) =>
      all
        .filter((one, at) => all.findIndex((other) => principalKey(other) === principalKey(one)) === at)
        .map(({ alias, ...one }, at, kept) => ({
          ...one,
          name: `${one.subject}`,
          ...(alias === undefined || kept.some((other, index) => index < at && other.alias === alias)
            ? {}
            : { slack: { team: 'T', user: `U${alias}` } }),
        })),
    )
  const clicks = fc.array(fc.nat(11), { maxLength: 12 })
  let activated = 0
  fc.assert(
    fc.property(people, clicks, fc.integer({ min: 1, max: 3 }), (all, users, count) => {
      const directory = indexDirectory({ environment: 'sandbox', asOf: noon, people: all })
      const [asker] = all
      if (asker === undefined) return
      const { issuer, subject, name } = asker
      let grant = pending({ who: { issuer, subject, name }, approvers: { from: ['sre'], count } })
      for (const user of users) {
        const person = directory.bySlack('T', `U${user}`)
        if (person === undefined || grant.state !== 'pending') continue
        const decision = decideApproval(rules, grant, person, noon)
        if (principalKey(person) === principalKey(asker)) expect(decision.may).toBe(false)
        if (!decision.may) continue
        expect(person).toMatchObject({ active: true, groups: expect.arrayContaining(['sre']) })
        const approvals = [...(grant.approvals ?? []), approvedBy(person)]
        const step = decision.completes ? 'approved' : 'endorsed'
        grant = nextVersion(grant, step, { approvals, until: noon + hour }, noon, person)
      }
      expect(grant.approvals ?? []).not.toContainEqual(expect.objectContaining({ issuer, subject }))
      if (grant.state === 'active') {
        activated += 1
        expect(isApproved(grant, { count })).toBe(true)
        expect(isApproved(grant, { count: count + 1 })).toBe(false)
      } else expect(isApproved(grant, { count })).toBe(false)
    }),
    { numRuns: 5_000 },
  )
  expect(activated).toBeGreaterThan(50)
})

describe('Approvals from distinct teams', () => {
  const demand = { count: 2, distinct: true, from: ['sre', 'payments', 'leads'] }
  const approved = (...teams: string[][]): Grant =>
    aGrant({
      approvals: teams.map((own, at) => ({ ...approvedBy({ ...ben, subject: `idp-${at}` }), teams: own })),
    })

  test.each<[string, Grant, boolean]>([
    ['are enough when each stands for another', approved(['sre'], ['payments']), true],
    ['are too few when all stand for the same', approved(['sre'], ['sre'], ['sre']), false],
    ['count one who could stand for several as what is left', approved(['sre', 'payments'], ['sre']), true],
    ['count nobody of no team', approved(['sre'], []), false],
    ['count no team that is not asked', approved(['sre'], ['strangers']), false],
  ])('%s', (_, grant, enough) => {
    expect(isApproved(grant, demand)).toBe(enough)
  })
})
