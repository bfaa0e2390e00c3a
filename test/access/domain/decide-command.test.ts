import { describe, expect, test } from 'vitest'
import { isApproved } from '#access/domain/decide-approval.ts'
import { type CommandAsk, decideCommand, whyNoCommander } from '#access/domain/decide-command.ts'
import { whyBeyond } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { scopeHash } from '#access/domain/scope.ts'
import { aGrant, aPerson, hour, minute, noon, rulesOf, rulesText, serviceIn, tierIn } from '../../builders.ts'

const issuer = 'http://127.0.0.1:7074'
const ana = aPerson()
const cho = aPerson({ subject: 'idp-cho', name: 'Cho Park' })
const ben = aPerson({ subject: 'idp-ben', name: 'Ben Okafor', groups: ['sre', 'ic'] })
const ida = aPerson({ subject: 'idp-ida', name: 'Ida Holm', groups: ['sre'] })
const eve = aPerson({ subject: 'idp-eve', name: 'Eve Stone', groups: [] })

const commandText = (cap: string, edit: (text: string) => string = (text) => text): string =>
  `${edit(rulesText).replace('people: ', 'people:\n  commanders: { groups: [ic] } #')}
incident_command: { who: [commanders], cap: ${cap} }
`
const rules = rulesOf(commandText('operate'))
/** Also admin, which takes an approval of sre. */
const upToAdmin = (count = 1, more = ']'): RuleSet =>
  rulesOf(
    commandText('admin', (text) =>
      text
        .replace(
          'approvals: { count: 1, from: [sre] }',
          `approvals: { count: ${count}, from: [sre, payments${more} }`,
        )
        .replace('{ who: [sre], tiers: [admin]', '{ who: [sre, payments], tiers: [admin]'),
    ),
  )

const decided = (
  person: Person,
  ask: Partial<CommandAsk> = {},
  { of = rules, now = noon, commander = ben }: { of?: RuleSet; now?: number; commander?: Person } = {},
) => decideCommand(of, commander, person, { service: serviceIn(of), tier: 'operate', ...ask }, now)
const reasonOf = (...args: Parameters<typeof decided>): Reason | undefined => {
  const decision = decided(...args)
  return decision.give ? undefined : decision.refusal.reason
}

describe('Who may command', () => {
  test.each<[string, RuleSet, Person, Reason | undefined]>([
    ['whom the rules name', rules, ben, undefined],
    ['nobody else', rules, ida, 'not-commander'],
    ['nobody where the rules say nothing', rulesOf(), ben, 'not-commander'],
    ['nobody who is not active', rules, { ...ben, active: false }, 'person-inactive'],
    ['nobody who is locked out', rules, { ...ben, active: false, locked: true }, 'principal-locked'],
  ])('%s', (_, of, person, reason) => {
    expect(whyNoCommander(of, person, noon)).toBe(reason)
  })
})

describe('A commander adds', () => {
  test('whom the rules let have the tier, at once, with no other approval', () => {
    expect(decided(ana)).toEqual({
      give: true,
      proposal: {
        state: 'active',
        service: serviceIn(rules),
        tier: 'operate',
        duration: hour,
        rule: 'incident_command',
      },
    })
  })

  test('to the lowest tier where none is said', () => {
    expect(decided(ana, { tier: undefined })).toMatchObject({ proposal: { tier: 'observe' } })
  })

  test('in the place of one approval, and never of two', () => {
    const of = upToAdmin()
    expect(decided(ana, { tier: 'admin' }, { of })).toMatchObject({ proposal: { state: 'active' } })
    expect(
      decided(ana, { tier: 'admin' }, { of }).give && decided(ana, { tier: 'admin' }, { of }),
    ).not.toHaveProperty('proposal.approvers')
    expect(decided(ana, { tier: 'admin' }, { of: upToAdmin(2) })).toMatchObject({
      proposal: { state: 'pending', approvers: { count: 2, from: ['sre', 'payments'] } },
    })
  })

  test('whom a page rule names, though they may not ask', () => {
    const of = rulesOf(
      commandText('operate', (text) => text.replace('{ who: [sre, payments], tiers', '{ who: [sre], tiers')),
    )
    expect(reasonOf(ana, {}, { of })).toBeUndefined()
    expect(reasonOf(ana, { tier: 'observe' }, { of })).toBe('not-eligible')
  })

  test.each<[string, Reason, Person, Partial<CommandAsk>, Parameters<typeof decided>[2]]>([
    ['not themself', 'own-request', ben, {}, {}],
    [
      'not themself, whatever the entry of the directory is like',
      'own-request',
      { ...ben, name: 'B', slack: { team: 'T1', user: 'U2' } },
      {},
      {},
    ],
    ['nobody who is locked out', 'principal-locked', { ...ana, active: false, locked: true }, {}, {}],
    ['nobody who is not active', 'person-inactive', { ...ana, active: false }, {}, {}],
    ['nobody whom no rule lets have it', 'not-eligible', eve, {}, {}],
    ['nobody above the cap', 'beyond-command', ida, { tier: 'admin' }, {}],
    ['nobody where the rules say nothing', 'beyond-command', ana, {}, { of: rulesOf() }],
    ['to no tier that there is not', 'tier-unknown', ana, { tier: 'operat' }, {}],
    ['for no longer than the tier', 'duration-too-long', ana, { duration: 2 * hour + 1 }, {}],
    ['for no time at all', 'duration-too-long', ana, { duration: 0 }, {}],
    ['for no number', 'duration-too-long', ana, { duration: Number.NaN }, {}],
    [
      'nobody for whom asking needs another approval and page rules none',
      'not-eligible',
      eve,
      { tier: 'admin' },
      { of: upToAdmin() },
    ],
  ])('%s', (_, reason, person, ask, how) => {
    expect(reasonOf(person, ask, how)).toBe(reason)
  })

  test('to nothing that is frozen', () => {
    const of = rulesOf(
      `${commandText('operate')}freeze:\n  - { services: ["*"], tiers: [operate, admin], from: 2026-01-15, until: 2026-01-15, because: launch }\n`,
    )
    expect(reasonOf(ana, {}, { of })).toBe('frozen')
    expect(reasonOf(ana, {}, { of, now: noon + 24 * hour })).toBeUndefined()
  })

  test('with the incident for a reason, which is no ticket', () => {
    const of = rulesOf(
      commandText('operate', (text) =>
        text
          .replace('when_stale: 2m,  reason: required', 'when_stale: 2m, reason: ticket')
          .replace('when_stale: 30s, reason: required', 'when_stale: 30s, reason: ticket'),
      ),
    )
    expect(reasonOf(ana)).toBeUndefined()
    expect(reasonOf(ana, {}, { of })).toBe('ticket-needed')
    expect(reasonOf(ana, { reason: 'CHG-123' }, { of })).toBeUndefined()
  })

  test('at the hours of the rules only', () => {
    const of = rulesOf(
      commandText('operate', (text) =>
        text
          .replace(
            'tiers: [observe, operate], how: at once',
            "tiers: [observe, operate], when: [{ days: sat, hours: '00:00-24:00', zone: UTC }], how: at once",
          )
          .replace(
            '    how: auto\n',
            "    how: auto\n    when: [{ days: sat, hours: '00:00-24:00', zone: UTC }]\n",
          ),
      ),
    )
    expect(reasonOf(ana, {}, { of })).toBe('not-eligible')
    expect(reasonOf(ana, {}, { of, now: noon + 48 * hour })).toBeUndefined()
  })
})

const by = ({ subject, name }: Person) => ({ issuer, subject, name })
type Changes = Partial<Grant> & { commander?: Person; teams?: string[]; others?: Person[]; scope?: string }
/** Ana’s, given by Ben. */
const commanded = (changes: Changes = {}): Grant => {
  const { commander = ben, teams = ['commanders'], others = [], scope, ...more } = changes
  const bare = aGrant({
    environment: 'sandbox',
    why: {
      kind: 'command',
      rule: 'incident_command',
      incident: { id: 'Q1', number: 7, title: 'orders are stuck' },
      commander: by(commander),
      go: 'gggg-gggg-gggg',
      about: ['orders-svc'],
    },
    ...more,
  })
  const approval = { at: noon, scope: scope ?? scopeHash(bare) }
  return {
    ...bare,
    approvals: [
      { ...by(commander), ...approval, teams },
      ...others.map((one) => ({
        ...by(one),
        ...approval,
        teams: one.groups.includes('sre') ? ['sre'] : ['payments'],
      })),
    ],
    ...(more.approvals === undefined ? {} : { approvals: more.approvals }),
  }
}
const beyond = (grant: Grant, of = rules, who: Person = ana, now = noon + minute) =>
  whyBeyond(of, serviceIn(of), tierIn(serviceIn(of), grant.tier), who, grant, now)

describe('The proxy takes what a commander gave', () => {
  test('where the rules let them', () => {
    expect(beyond(commanded())).toBeUndefined()
    expect(beyond(commanded({ tier: 'admin' }), upToAdmin())).toBeUndefined()
  })

  test.each<[string, ReturnType<typeof beyond>, Grant, RuleSet, Person]>([
    ['of another environment', 'environment', commanded({ environment: 'other' }), rules, ana],
    ['longer than the tier', 'length', commanded({ until: noon + 2 * hour + 1 }), rules, ana],
    ['to whom no rule lets have it', 'people', commanded({ who: by(eve) }), rules, eve],
    ['where the rules name no commander', 'approvals', commanded(), rulesOf(), ana],
    [
      'above the cap',
      'approvals',
      commanded({ tier: 'admin' }),
      rulesOf(
        commandText('operate', (text) =>
          text.replace('{ who: [sre], tiers: [admin]', '{ who: [sre, payments], tiers: [admin]'),
        ),
      ),
      ana,
    ],
    ['with nobody’s approval', 'approvals', commanded({ approvals: [] }), rules, ana],
    [
      'with others’ approval alone',
      'approvals',
      commanded({ approvals: [{ ...by(ida), at: noon, teams: ['commanders'] }] }),
      rules,
      ana,
    ],
    ['by who was no commander', 'approvals', commanded({ teams: ['sre'] }), rules, ana],
    ['by who belonged to nothing', 'approvals', commanded({ teams: [] }), rules, ana],
    ['by its own holder', 'approvals', commanded({ commander: ana }), rules, ana],
    ['with the approval of something else', 'approvals', commanded({ scope: 's'.repeat(43) }), rules, ana],
    [
      'that is wider than what was approved',
      'approvals',
      { ...commanded(), services: ['orders-svc', 'payments-svc'] },
      rules,
      ana,
    ],
    ['with one approval of two', 'approvals', commanded({ tier: 'admin' }), upToAdmin(2), ana],
  ])('but not %s', (_, how, grant, of, who) => {
    expect(beyond(grant, of, who)).toBe(how)
  })

  test('which never counts for two, though they are among those who approve', () => {
    const of = upToAdmin(2)
    const both = commanded({ tier: 'admin', teams: ['commanders', 'sre'] })
    expect(beyond(both, of)).toBe('approvals')
    expect(beyond(commanded({ tier: 'admin', others: [ida] }), of)).toBeUndefined()
    const three = upToAdmin(3)
    expect(beyond(commanded({ tier: 'admin', teams: ['commanders', 'sre'], others: [ida] }), three)).toBe(
      'approvals',
    )
    expect(beyond(commanded({ tier: 'admin', others: [ida, cho] }), three)).toBeUndefined()
    expect(beyond(commanded({ tier: 'admin', others: [ida, ana] }), three)).toBe('approvals')
  })

  test('and others’ approvals make up for none of theirs that is not one', () => {
    const of = upToAdmin(2)
    const others = [ida, cho]
    const approved = commanded({ tier: 'admin', others })
    expect(beyond(approved, of)).toBeUndefined()
    const [first, ...rest] = approved.approvals ?? []
    if (first === undefined) expect.fail('no approval')
    const elsewhere = { ...approved, approvals: [{ ...first, scope: 's'.repeat(43) }, ...rest] }
    expect(beyond(elsewhere, of)).toBe('approvals')
    expect(beyond(commanded({ tier: 'admin', commander: ana, others }), of)).toBe('approvals')
  })

  test('in the place of a team of its own, where each has to be of another', () => {
    const of = upToAdmin(3, ', commanders], distinct: teams')
    const twoOfOne = aPerson({ subject: 'idp-max', name: 'Max', groups: ['sre'] })
    expect(beyond(commanded({ tier: 'admin', others: [ida, twoOfOne] }), of)).toBe('approvals')
    expect(beyond(commanded({ tier: 'admin', others: [ida, cho] }), of)).toBeUndefined()
  })

  test('and no commander’s approval counts where none is at work', () => {
    const asked = {
      ...commanded({ tier: 'admin' }),
      why: { kind: 'request', rule: 'on_request[1]' } as const,
    }
    const approvals = [{ ...by(ben), at: noon, teams: ['commanders'] }]
    expect(isApproved({ ...asked, approvals }, { count: 1, from: ['sre'] })).toBe(false)
    expect(beyond({ ...asked, approvals }, upToAdmin())).toBe('approvals')
  })

  test('to others, if a set of people has its last day', () => {
    const of = rulesOf(
      commandText('operate', (text) =>
        text.replace('{ groups: [team-payments] }', '{ groups: [team-payments], until: 2026-01-16 }'),
      ),
    )
    expect(beyond(commanded(), of)).toBeUndefined()
    expect(beyond(commanded(), of, ana, noon + 48 * hour)).toBe('people')
  })
})
