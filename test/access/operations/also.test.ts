import { describe, expect, test } from 'vitest'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reachOf, tierFor } from '#access/domain/reach.ts'
import { createView } from '#access/domain/view.ts'
import { tierOn } from '#access/messages/pass-text.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { aGrant, minute, provenOf, rulesOf, rulesText, serviceIn } from '../../builders.ts'
import { ana, aWorld, eve, pagedAs, resolvedBy, type World } from './a-world.ts'

const dashboards = ['dash-a', 'dash-b']
  .map(
    (name) => `  ${name}:
    profile: web
    releases: { blue: http://127.0.0.1:7099 }
    serve: blue
    channel: "#inc-dash"
    owners: [sre]
    labels: [dashboards]
`,
  )
  .join('')
/** Ana may ask for nothing there: what she has of it comes with the page. */
const text = rulesText
  .replace('\non_page:', `${dashboards}\non_page:`)
  .replace(
    '    for: 2h\n',
    '    for: 2h\n    also: [{ services: [label:dashboards, orders-svc], tier: observe }]\n',
  )
  .replace(
    '{ who: [sre, payments], tiers: [observe, operate], how: at once }',
    '{ who: [sre, payments], services: [orders-svc, payments-svc], tiers: [observe, operate], how: at once }',
  )

const paged = async (rules = rulesOf(text)) => {
  const world = aWorld({ rules })
  world.incident()
  await world.follow()
  return world
}

const may = (world: World, service: string, method: string, path: string, by = ana): boolean => {
  const view = createView()
  view.resync(0).commit()
  for (const event of world.events) view.apply(event)
  view.headSeen(world.clock.now())
  const { rules } = world.parts
  const request = { who: provenOf(by), service: serviceIn(rules, service), method, path }
  return decideRequest(rules, view, request, world.clock.now()).allow
}

describe('What a page gives beside', () => {
  test('is in the same pass, each service once, by name', async () => {
    const grant = (await paged()).only()
    expect(grant).toMatchObject({
      services: ['orders-svc'],
      tier: 'operate',
      also: [{ services: ['dash-a', 'dash-b'], tier: 'observe' }],
    })
    expect(tierOn(grant)).toBe('*operate* on `orders-svc`, *observe* on `dash-a`, `dash-b`')
  })

  test('opens its own tier of it, and no more', async () => {
    const world = await paged()
    expect(may(world, 'orders-svc', 'POST', '/v1/orders/7/retry')).toBe(true)
    expect(may(world, 'dash-a', 'GET', '/x')).toBe(true)
    expect(may(world, 'dash-b', 'GET', '/x')).toBe(true)
    expect(may(world, 'dash-a', 'POST', '/admin/retry/7')).toBe(false)
    expect(may(world, 'payments-svc', 'GET', '/x')).toBe(false)
    expect(may(world, 'dash-a', 'GET', '/x', eve)).toBe(false)
  })

  test('goes with it: with the incident, and where it is revoked', async () => {
    const over = await paged()
    over.incident(resolvedBy('person'))
    await over.follow()
    expect(may(over, 'dash-a', 'GET', '/x')).toBe(false)
    const revoked = await paged()
    await revokeGrant(revoked.parts, ana, revoked.only().id)
    expect(may(revoked, 'dash-a', 'GET', '/x')).toBe(false)
  })

  test('is nothing where the page is in doubt: asking would not have given it', async () => {
    const world = aWorld({ rules: rulesOf(text) })
    world.incident({ paged: [pagedAs(ana)], trigger: { kind: 'unknown' } })
    await world.follow()
    expect(world.only().also).toBeUndefined()
  })

  test('does not make a pass that opens more needless when incidents are merged', async () => {
    const world = await paged()
    world.incident({ id: 'Q2' })
    world.setRules(rulesOf(text.replace(/ {4}also: .*\n/, '')))
    await world.follow('Q2')
    world.incident({ status: 'resolved', paged: [], resolution: { by: 'merge', into: 'Q2' } })
    world.later(minute)
    await world.follow('Q1')
    const [first] = world.all()
    expect(world.endOf(first?.id ?? '')).toBeUndefined()
  })

  test.each<[string, string]>([
    ['no longer say so', text.replace(/ {4}also: .*\n/, '')],
    ['give another tier there', text.replace('tier: observe }]', 'tier: operate }]')],
    ['name others there', text.replace('label:dashboards, orders-svc', 'payments-svc')],
    ['page somebody else', text.replace('who: [payments, sre]\n    urgency', 'who: [sre]\n    urgency')],
  ])('is refused by a proxy whose own rules %s', async (_, changed) => {
    const world = await paged()
    expect(changed).not.toBe(text)
    world.setRules(rulesOf(changed))
    expect(may(world, 'dash-a', 'GET', '/x')).toBe(false)
  })

  test.each<[string, Partial<Grant>]>([
    ['was asked for', { why: { kind: 'request', rule: 'on_request[0]' } }],
    ['is of a tier whose page gives nothing beside', { tier: 'observe' }],
    ['is about another service', { services: ['dash-b'] }],
    ['lasts longer than the rule gives', { duration: 9e6, until: aGrant().from + 9e6 }],
  ])('is refused by a proxy where the pass that names it %s', async (_, changes) => {
    const world = aWorld({ rules: rulesOf(text) })
    const page = { kind: 'page', rule: 'on_page[0]', incident: { id: 'Q1', number: 7, title: 'x' } } as const
    const also = [{ services: ['dash-a'], tier: 'observe' }]
    await world.put(aGrant({ why: page, also }))
    expect(may(world, 'dash-a', 'GET', '/x')).toBe(true)
    await world.put(aGrant({ why: page, also, version: 2, ...changes }))
    expect(may(world, 'dash-a', 'GET', '/x')).toBe(false)
  })
})

test('A service that is named twice is opened under its own tier', () => {
  const grant = aGrant({ also: [{ services: ['orders-svc', 'dash-a'], tier: 'observe' }] })
  expect([tierFor(grant, 'orders-svc'), tierFor(grant, 'dash-a'), tierFor(grant, 'ledger')]).toEqual([
    'operate',
    'observe',
    undefined,
  ])
  expect(reachOf(grant)).toContain('dash-a')
  expect(tierFor(grant, '__proto__')).toBeUndefined()
})
