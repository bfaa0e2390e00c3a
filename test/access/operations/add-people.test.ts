import { describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { type AddAsk, addPeople } from '#access/operations/add-people.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { endGo } from '#access/operations/end-go.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { handOver } from '#access/operations/hand-over.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { aPerson, rulesOf, rulesText } from '../../builders.ts'
import {
  ana,
  aWorld,
  ben,
  cho,
  eve,
  everyone,
  hour,
  ida,
  mergedInto,
  minute,
  resolvedBy,
  type World,
} from './a-world.ts'

const commandRules = (cap = 'operate', edit: (text: string) => string = (text) => text): RuleSet =>
  rulesOf(
    `${edit(rulesText).replace('people: ', 'people:\n  commanders: { subjects: [idp-ben] } #')}\nincident_command: { who: [commanders], cap: ${cap} }\n`,
  )
/** Admin takes two approvals of sre. */
const twoOfSre = () =>
  commandRules('admin', (text) =>
    text
      .replace('approvals: { count: 1, from: [sre] }', 'approvals: { count: 2, from: [sre] }')
      .replace('{ who: [sre], tiers: [admin]', '{ who: [sre, payments], tiers: [admin]'),
  )

const aCommandedWorld = (rules = commandRules(), people: readonly Person[] = everyone) => {
  const world = aWorld({ rules, people })
  world.incident({ paged: [] })
  const looked: string[] = []
  const runner = () => ({ ...world.runner(), lookAgain: async (id: string) => void looked.push(id) })
  const parts = runner()
  const add = (ask: Partial<AddAsk> = {}, by = ben, from = parts) =>
    addPeople(from, by, {
      incident: 'Q1',
      people: [ana],
      services: [...rules.services.values()].filter(({ name }) => name === 'orders-svc'),
      tier: 'operate',
      ...ask,
    })
  return { world, looked, runner, parts, add }
}
const given = (world: World): Grant[] => world.standing().filter(({ why }) => why.kind === 'command')
const whyOf = (grant: Grant | undefined) =>
  grant?.why.kind === 'command' ? grant.why : expect.fail('no commander gave it')

describe('A commander adds people', () => {
  test('with their approval in the grant, and has the incident looked at again', async () => {
    const { world, looked, add } = aCommandedWorld()
    const outcome = await add({ people: [ana, cho], services: [...commandRules().services.values()] })
    expect(outcome).toMatchObject({ incident: { id: 'Q1' }, not: [] })
    expect(given(world)).toMatchObject([
      { who: { name: 'Ana Lopes' }, services: ['orders-svc', 'payments-svc'], by: { name: 'Ben Okafor' } },
      { who: { name: 'Cho Park' }, approvals: [{ name: 'Ben Okafor', teams: ['commanders'] }] },
    ])
    expect(looked).toEqual(['Q1'])
  })

  test('as the directory has everybody when the incident is known, not before', async () => {
    const { world, parts, add } = aCommandedWorld()
    const meanwhile = (people: readonly Person[]) => ({
      ...parts,
      incidents: {
        read: async (id: string) => {
          world.setPeople(people)
          return parts.incidents.read(id)
        },
      },
    })
    const without = (one: Person) => everyone.filter((other) => other !== one)
    expect(await add({}, ben, meanwhile(without(ana)))).toMatchObject({
      grants: [],
      not: [{ refusal: { reason: 'person-unknown' } }],
    })
    expect(await add({}, ben, meanwhile([...without(ana), { ...ana, groups: [] }]))).toMatchObject({
      not: [{ refusal: { reason: 'not-eligible' } }],
    })
    expect(await add({}, ben, meanwhile(without(ben)))).toEqual({ refused: 'person-unknown' })
    expect(await add({}, ben, meanwhile([...without(ben), { ...ben, active: false }]))).toEqual({
      refused: 'person-inactive',
    })
    expect(world.all()).toEqual([])
  })

  test('who belongs to them no more, of no incident, and of one that is over: nothing', async () => {
    const { world, add } = aCommandedWorld()
    expect(await add({}, ida)).toEqual({ refused: 'not-commander' })
    expect(await add({ incident: 'Q2' })).toEqual({ refused: 'incident-unknown' })
    world.incident(resolvedBy('person'))
    expect(await add()).toEqual({ refused: 'incident-closed' })
    world.incident({ id: 'Q3', ...mergedInto('Q4') })
    expect(await add({ incident: 'Q3' })).toEqual({ refused: 'incident-closed' })
    expect(world.all()).toEqual([])
  })

  test('once, though two bots are told so, and one of them died halfway', async () => {
    const { world, runner, add } = aCommandedWorld()
    world.beforeWrite(async () => {
      world.beforeWrite(() => Promise.reject(new Error('the bot died')))
    })
    await add({ people: [ana, cho] }).catch(() => undefined)
    await Promise.all([
      add({ people: [cho, ana] }, ben, runner()),
      add({ people: [ana, cho] }, ben, runner()),
    ])
    expect(
      given(world)
        .map(({ who }) => who.name)
        .sort(),
    ).toEqual(['Ana Lopes', 'Cho Park'])
    expect(new Set(given(world).map((grant) => whyOf(grant).go)).size).toBe(1)
  })

  test('anew, said again after a while or with other words', async () => {
    const { world, add } = aCommandedWorld()
    await add()
    await add({ reason: 'it spreads' })
    world.later(3 * minute)
    await add()
    expect(new Set(given(world).map((grant) => whyOf(grant).go)).size).toBe(3)
  })

  test('but not on and on', async () => {
    const { world, add } = aCommandedWorld()
    for (let time = 0; time < 22; time += 1) await add({ reason: `reason ${time}` })
    expect(given(world)).toHaveLength(20)
    expect(await add({ reason: 'one more' })).toMatchObject({
      not: [{ refusal: { reason: 'too-many-passes' } }],
    })
  })

  test('where others have to approve it too, they are asked; the commander counts for one', async () => {
    const { world, parts, add } = aCommandedWorld(twoOfSre())
    await add({ tier: 'admin' })
    const [pending] = given(world)
    expect(pending).toMatchObject({ state: 'pending', approvers: { count: 2, from: ['sre'] } })
    const id = pending?.id ?? ''
    expect(await approveGrant(parts, ben, id)).toEqual({ refused: 'already-decided' })
    expect(await approveGrant(parts, ana, id)).toEqual({ refused: 'own-request' })
    expect(await approveGrant(parts, cho, id)).toEqual({ refused: 'not-approver' })
    expect(await approveGrant(parts, ida, id)).toMatchObject({
      grant: { state: 'active', approvals: [{ name: 'Ben Okafor' }, { name: 'Ida Holm' }] },
    })
  })

  test('which is nothing any more when they command no longer, or the person may not have it', async () => {
    const { world, parts, add } = aCommandedWorld(twoOfSre())
    await add({ tier: 'admin' })
    const [pending] = given(world)
    world.setPeople([...everyone.filter((one) => one !== ben), { ...ben, active: false }])
    expect(await approveGrant(parts, ida, pending?.id ?? '')).toEqual({ refused: 'not-eligible' })
    world.setPeople([...everyone.filter((one) => one !== ana), { ...ana, groups: [] }])
    expect(await approveGrant(parts, ida, pending?.id ?? '')).toEqual({ refused: 'not-eligible' })
  })

  test('nobody, where those who would have to approve it beside are too few', async () => {
    const { world, add } = aCommandedWorld(
      twoOfSre(),
      everyone.filter((one) => one !== ida),
    )
    expect(await add({ tier: 'admin' })).toMatchObject({
      not: [{ refusal: { reason: 'nobody-to-approve' } }],
    })
    expect(world.all()).toEqual([])
  })
})

describe('What a commander gave', () => {
  test('ends with its incident, after the shortest grace of the page rules for it', async () => {
    const { world, add } = aCommandedWorld(
      commandRules('operate', (text) => text.replace('    for: 2h', '    for: 2h\n    grace: 10m')),
    )
    await add()
    const at = world.clock.now()
    world.incident(resolvedBy('person'))
    await world.follow()
    expect(given(world)).toMatchObject([
      { until: at + 10 * minute, ending: { cause: 'incident over', keepable: false } },
    ])
  })

  test('ends at once where no page rule has a grace', async () => {
    const { world, add } = aCommandedWorld()
    await add()
    world.incident(resolvedBy('person'))
    await world.follow()
    expect(given(world)).toEqual([])
  })

  test('may be kept where an integration resolved the incident, and comes back where it is reopened', async () => {
    const { world, parts, add } = aCommandedWorld()
    await add({ people: [ana, cho] })
    const until = world.clock.now() + hour
    world.incident(resolvedBy('integration'))
    await world.follow()
    const anas = given(world).find(({ who }) => who.name === 'Ana Lopes')
    expect(anas?.until).toBeLessThan(until)
    expect(await keepGrant(parts, ana, anas?.id ?? '')).toMatchObject({ grant: { until, kept: true } })
    world.incident({ status: 'triggered', paged: [] })
    await world.follow()
    expect(given(world).map((grant) => grant.until)).toEqual([until, until])
  })

  test('goes on whoever is paged, and neither ends nor is ended by what a page gives', async () => {
    const { world, add } = aCommandedWorld()
    await add({ duration: 2 * hour })
    world.incident({ paged: [{ user: 'PUANA01', name: 'Ana Lopes', at: world.clock.now() }] })
    await world.follow()
    expect(
      world
        .standing()
        .map(({ why }) => why.kind)
        .sort(),
    ).toEqual(['command', 'page'])
    world.incident({ paged: [] })
    await world.follow()
    expect(world.standing().map(({ why }) => why.kind)).toEqual(['command'])
  })

  test('is neither extended, nor renewed, nor handed over', async () => {
    const { world, parts, add } = aCommandedWorld()
    await add()
    const [mine] = given(world)
    expect(await extendGrant(parts, ana, mine?.id ?? '')).toMatchObject({
      refused: { reason: 'approval-needed' },
    })
    expect(await handOver(parts, ana, mine?.id ?? '', cho)).toEqual({ refused: 'not-of-incident' })
    world.later(59 * minute)
    await world.follow()
    expect(given(world)).toEqual([mine])
  })

  test('stays out of the way of a hand over of what a page gave', async () => {
    const { world, parts, add } = aCommandedWorld()
    world.incident({ paged: [{ user: 'PUANA01', name: 'Ana Lopes', at: world.clock.now() }] })
    await world.follow()
    await add({ people: [cho] })
    expect(await handOver(parts, ana, 'orders-svc', cho)).toMatchObject({
      waitsFor: { state: 'offered', why: { kind: 'page' } },
    })
  })
})

describe('End all', () => {
  const owner = aPerson({
    subject: 'idp-max',
    name: 'Max Own',
    groups: ['team-orders'],
    slack: { team: 'T0SANDBOX', user: 'U0MAX00001' },
    pagerduty: { account: 'sandbox', user: 'PUMAX01' },
  })
  test('by who owns a part ends that part, and says how much is left', async () => {
    const people = [...everyone, owner]
    const { world, parts, add } = aCommandedWorld(
      rulesOf(
        `${rulesText
          .replace(
            'people: ',
            'people:\n  commanders: { subjects: [idp-ben] }\n  orders: { groups: [team-orders] } #',
          )
          .replace(
            'owners: [payments]\n    labels: [orders',
            'owners: [orders]\n    labels: [orders',
          )}\nincident_command: { who: [commanders], cap: operate }\n`,
      ),
      people,
    )
    const all = [...parts.rules.services.values()]
    await add({ services: all.slice(0, 1), people: [ana] })
    await add({ services: all, people: [cho] })
    const [first, both] = given(world).map(whyOf)
    if (first === undefined || both === undefined) expect.fail('nothing was given')
    expect(await endGo(parts, owner, both)).toEqual({ refused: 'not-yours' })
    expect(await endGo(parts, owner, first)).toMatchObject({
      ended: [{ who: { name: 'Ana Lopes' } }],
      left: 0,
    })
    expect(given(world).map(({ who }) => who.name)).toEqual(['Cho Park'])
  })

  test('by several at once ends each once', async () => {
    const { world, runner, add } = aCommandedWorld()
    await add({ people: [ana, cho] })
    const why = whyOf(given(world)[0])
    const outcomes = await Promise.all([endGo(runner(), ben, why), endGo(runner(), cho, why)])
    const ended = outcomes.flatMap((one) => ('ended' in one ? one.ended : []))
    expect(ended.map(({ who }) => who.name).sort()).toEqual(['Ana Lopes', 'Cho Park'])
    expect(given(world)).toEqual([])
  })

  test('is refused to the holder, who ends their own by its name, and to who is not active', async () => {
    const { world, parts, add } = aCommandedWorld(
      commandRules('operate', (text) => text.replaceAll('owners: [payments]', 'owners: [sre]')),
    )
    await add({ people: [ana, cho] })
    const [mine] = given(world)
    const why = whyOf(mine)
    expect(await endGo(parts, ana, why)).toEqual({ refused: 'not-yours' })
    expect(await endGo(parts, eve, why)).toEqual({ refused: 'not-yours' })
    expect(await endGo(parts, { ...ben, active: false }, why)).toEqual({ refused: 'person-inactive' })
    expect(await revokeGrant(parts, ana, mine?.id ?? '')).toMatchObject({ revoked: { id: mine?.id } })
    expect(given(world)).toHaveLength(1)
  })

  test('makes one receipt of all: whoever did not confirm one of them is named', async () => {
    const { world, parts, add } = aCommandedWorld()
    await add({ people: [ana, cho] })
    const why = whyOf(given(world)[0])
    let first = true
    const receipts = {
      of: async () => {
        const late = first
        first = false
        return late
          ? { confirmed: ['proxy-a'], missing: ['proxy-b'], streamsCut: 2, replicated: true }
          : { confirmed: ['proxy-a', 'proxy-b'], missing: [], streamsCut: 1, replicated: false }
      },
    }
    expect(await endGo({ ...parts, receipts }, ben, why)).toMatchObject({
      receipt: { confirmed: ['proxy-a'], missing: ['proxy-b'], streamsCut: 3, replicated: false },
    })
  })
})
