import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideApproval, isApproved } from '#access/domain/decide-approval.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { aGrant, aPerson, hour, noon, rulesOf } from '../../builders.ts'

const rules = rulesOf()
const ben = aPerson({ subject: 'idp-ben', name: 'Ben Okafor', groups: ['sre'] })
const pending = (changes: Partial<Grant> = {}): Grant =>
  aGrant({ state: 'pending', step: 'asked', approvers: { from: ['sre'], count: 2 }, ...changes })
const approvedBy = ({ issuer, subject, name }: Person) => ({ issuer, subject, name, at: noon })
const { approvers: _, ...nobodys } = pending()

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
