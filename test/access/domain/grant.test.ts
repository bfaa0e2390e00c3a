import { describe, expect, test } from 'vitest'
import {
  doubts,
  type End,
  endCauses,
  endShape,
  type Grant,
  grantShape,
  grantSteps,
  incidentOf,
  liveStates,
  mergedFromOf,
  occasionOf,
  occasionOfGo,
} from '#access/domain/grant.ts'
import { aGrant, anEnd, hour, noon, pageWhy } from '../../builders.ts'

const ben = { issuer: 'http://127.0.0.1:7074', subject: 'idp-ben', name: 'Ben Okafor' }
const page = pageWhy()
const incident = { id: 'Q1', number: 7, title: 'orders are stuck' }
const command: Extract<Grant['why'], { kind: 'command' }> = {
  kind: 'command',
  rule: 'incident_command',
  incident,
  commander: ben,
  go: 'g1',
  about: ['orders-svc'],
}
const glass = { kind: 'break-glass', rule: 'break_glass', reason: 'burns' } as const
const approval = { ...ben, at: noon, teams: ['sre'] }

/** A grant with something in it that is no grant's. */
const odd = (changes: object): object => ({ ...aGrant(), ...changes })

describe('A grant', () => {
  test.each<[string, Partial<Grant>]>([
    ...liveStates.map((state): [string, Partial<Grant>] => [`that is ${state}`, { state }]),
    ...grantSteps.map((step): [string, Partial<Grant>] => [`that was ${step}`, { step }]),
    ...doubts.map((doubt): [string, Partial<Grant>] => [
      `in doubt: ${doubt}`,
      { why: { kind: 'page', rule: 'on_page[0]', incident, doubt } },
    ]),
    ['of a page', { why: page }],
    ['of a page of merged incidents', { why: { kind: 'page', rule: 'r', incident, mergedFrom: 'Q0' } }],
    ['that was handed over', { why: { kind: 'page', rule: 'r', incident, handedFrom: ['a', 'b'] } }],
    ['that was asked for without a reason', { why: { kind: 'request', rule: 'r' } }],
    ['by a commander', { why: command }],
    ['by a commander, of merged incidents', { why: { ...command, mergedFrom: 'Q0', reason: 'help' } }],
    ['that breaks the glass', { why: { ...glass, signIn: 's'.repeat(8_192) } }],
    ['that was signed offline', { why: { ...glass, keys: ['alice', 'vault'] } }],
    ['by somebody', { by: ben }],
    ['of a later version', { version: 7 }],
    ['of several services', { services: ['a', 'b'] }],
    [
      'that opens more beside',
      {
        also: [
          { services: ['b', 'c'], tier: 'observe' },
          { services: ['d'], tier: 'operate' },
        ],
      },
    ],
    ['for later', { begins: { at: noon + hour, zone: 'z'.repeat(64) } }],
    ['that two of two sets approve', { approvers: { from: ['sre', 'payments'], count: 2, distinct: true } }],
    [
      'that more may approve in time',
      { approvers: { from: ['sre'], count: 1, escalate: { at: noon + hour, to: ['payments', 'sre'] } } },
    ],
    ['that was approved', { approvals: [approval] }],
    [
      'that was approved with a sign-in',
      { approvals: [{ ...approval, scope: 's', signIn: 's'.repeat(8_192) }] },
    ],
    ['that was extended', { extended: 3 }],
    [
      'that its incident let go of',
      { ending: { cause: 'incident over', was: noon, at: noon, keepable: true } },
    ],
    ['that is handed over', { ending: { cause: 'handed over', was: noon, at: noon, keepable: false } }],
    ['that was kept', { kept: true }],
    ['with a long nonce', { nonce: 'n'.repeat(64) }],
  ])('is read: one %s', (_, changes) => {
    const grant = aGrant(changes)
    expect(grantShape.parse(grant)).toEqual(grant)
  })

  test.each<[string, object]>([
    ['an id before something', odd({ id: 'aaaa-bbbb-ccccd' })],
    ['an id after something', odd({ id: 'xaaaa-bbbb-cccc' })],
    ['an id in capitals', odd({ id: 'AAAA-bbbb-cccc' })],
    ['an id of other parts', odd({ id: 'aaa-bbbb-cccc' })],
    ['an id with other middles', odd({ id: 'aaaa-bbb-cccc' })],
    ['an id with another end', odd({ id: 'aaaa-bbbb-ccc' })],
    ['no version', odd({ version: 0 })],
    ['a state of what is over', odd({ state: 'ended' })],
    ['an end for a step', odd({ step: 'revoked' })],
    ['no service', odd({ services: [] })],
    ['nothing beside', odd({ also: [] })],
    ['no service beside', odd({ also: [{ services: [], tier: 'observe' }] })],
    ['something else beside', odd({ also: [{ services: ['a'], tier: 'observe', until: noon }] })],
    ['no duration', odd({ duration: 0 })],
    ['half a millisecond', odd({ until: noon + 0.5 })],
    ['a zone too long', odd({ begins: { at: noon, zone: 'z'.repeat(65) } })],
    ['another kind of reason', odd({ why: { kind: 'bribe', rule: 'r' } })],
    ['a doubt that there is not', odd({ why: { ...page, doubt: 'none' } })],
    ['an incident that says more', odd({ why: { ...page, incident: { ...incident, urgency: 'high' } } })],
    ['nothing that was handed over', odd({ why: { ...page, handedFrom: [] } })],
    ['a request with an incident', odd({ why: { kind: 'request', rule: 'r', incident } })],
    ['a commander’s with half of an incident', odd({ why: { ...command, incident: { id: 'Q1' } } })],
    ['a commander’s that says more', odd({ why: { ...command, more: true } })],
    ['no key that signed it', odd({ why: { ...glass, keys: [] } })],
    ['a sign-in too long', odd({ why: { ...glass, signIn: 's'.repeat(8_193) } })],
    ['nobody who may approve', odd({ approvers: { from: [], count: 1 } })],
    ['no approval that it takes', odd({ approvers: { from: ['sre'], count: 0 } })],
    [
      'nobody it is put before in time',
      odd({ approvers: { from: ['sre'], count: 1, escalate: { at: 1, to: [] } } }),
    ],
    ['a set that need not differ', odd({ approvers: { from: ['sre'], count: 1, distinct: false } })],
    ['an approval with a sign-in too long', odd({ approvals: [{ ...approval, signIn: 's'.repeat(8_193) }] })],
    ['an approval that says more', odd({ approvals: [{ ...approval, groups: [] }] })],
    ['no extension', odd({ extended: 0 })],
    ['another cause of its ending', odd({ ending: { cause: 'revoked', was: 1, at: 1, keepable: false } })],
    [
      'an ending that does not say since when',
      odd({ ending: { cause: 'handed over', was: 1, keepable: false } }),
    ],
    ['a keeping that is none', odd({ kept: false })],
    ['a nonce too short', odd({ nonce: 'n'.repeat(21) })],
    ['a nonce too long', odd({ nonce: 'n'.repeat(65) })],
    ['a nonce of other letters', odd({ nonce: `+${'n'.repeat(22)}` })],
    ['a nonce before other letters', odd({ nonce: `${'n'.repeat(22)}+` })],
    ['a holder of whom more is said', odd({ who: { ...ben, groups: ['sre'] } })],
    ['something that no grant has', odd({ more: true })],
  ])('is none with %s', (_, grant) => {
    expect(grantShape.safeParse(grant).success).toBe(false)
  })
})

describe('The end of a grant', () => {
  test.each<[string, Partial<End>]>([
    ...endCauses.map((cause): [string, Partial<End>] => [cause, { cause }]),
    ['what was no access', { state: 'refused' }],
    ['by somebody', { by: ben }],
    ['of its first version', { version: 2 }],
    ['of a later version', { version: 9 }],
  ])('is read: %s', (_, changes) => {
    const end = anEnd(aGrant(), changes)
    expect(endShape.parse(end)).toEqual(end)
  })

  test.each<[string, object]>([
    ['ends nothing', { version: 1 }],
    ['leaves it as it is', { state: 'active' }],
    ['has a step for a cause', { cause: 'extended' }],
    ['says more', { more: true }],
    ['names no grant', { id: 'all' }],
  ])('is none that %s', (_, changes) => {
    expect(endShape.safeParse({ ...anEnd(aGrant()), ...changes }).success).toBe(false)
  })
})

describe('What a grant stands because of', () => {
  const merged = { kind: 'page', rule: 'r', incident, mergedFrom: 'Q0' } as const

  test.each<[string, Grant['why'], typeof incident | undefined, string | undefined, string]>([
    ['a page', page, incident, undefined, 'Q1'],
    ['merged incidents', merged, incident, 'Q0', 'Q1'],
    ['a commander', command, incident, undefined, 'Q1'],
    ['a request', aGrant().why, undefined, undefined, 'aaaa-bbbb-cccc'],
  ])('is told under its incident, or under itself: %s', (_, why, of, from, occasion) => {
    const grant = aGrant({ why })
    expect([incidentOf(grant), mergedFromOf(grant), occasionOf(grant)]).toEqual([of, from, occasion])
  })

  test('by a commander’s one go is told together, and apart from every incident', () => {
    expect(occasionOfGo('7')).toBe('go-7')
  })
})
