import { describe, expect, test } from 'vitest'
import type { Ask } from '#access/domain/decide-access.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import { createView } from '#access/domain/view.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { provenOf, rulesOf, rulesText, serviceIn } from '../../builders.ts'
import { ana, aWorld, ben, hour, ida, minute, noon, type World } from './a-world.ts'

const ahead = rulesText
  .replace('tiers: [observe, operate], how: at once', 'tiers: [observe, operate], how: at once, ahead: 7d')
  .replace('tiers: [admin], how: approval', 'tiers: [admin], how: approval, ahead: 7d')
const start = noon + 10 * hour
const begins = { at: start, zone: 'Europe/Berlin' }
const operate: Ask = {
  service: 'orders-svc',
  tier: 'operate',
  duration: hour,
  reason: 'CHG-123',
  from: start,
  zone: 'Europe/Berlin',
}
const admin: Ask = { ...operate, tier: 'admin' }

const asked = async (ask = operate, by = ana, text = ahead) => {
  const world = aWorld({ rules: rulesOf(text) })
  const outcome = await askForGrant(world.parts, by, ask)
  return { world, outcome, id: world.all()[0]?.id ?? '' }
}

/** What a proxy would say, which has the view and nobody to help it. */
const mayRetry = (world: World, by = ana): boolean => {
  const view = createView()
  view.resync(0).commit()
  for (const event of world.events) view.apply(event)
  view.headSeen(world.clock.now())
  const request = {
    who: provenOf(by),
    service: serviceIn(world.rules),
    method: 'POST',
    path: '/v1/orders/7/retry',
  }
  return decideRequest(world.rules, view, request, world.clock.now()).allow
}

describe('A pass that is asked for ahead', () => {
  test('is given now, begins then, and lasts as long from then', async () => {
    const { world } = await asked()
    expect(world.only()).toMatchObject({
      state: 'active',
      step: 'given',
      at: noon,
      from: start,
      until: start + hour,
      begins,
    })
  })

  test('opens nothing before its first millisecond and nothing after its last', async () => {
    const { world } = await asked()
    const edges = [noon, start - 1, start, start + hour - 1, start + hour]
    const open = edges.map((at) => {
      world.clock.set(at)
      return mayRetry(world)
    })
    expect(open).toEqual([false, false, true, true, false])
  })

  test('is another one than what is asked for now, and the same when it is asked for again', async () => {
    const { world, id } = await asked()
    await askForGrant(world.parts, ana, operate)
    expect(world.all().map((grant) => grant.id)).toEqual([id])
    const { from: _from, zone: _zone, ...now } = operate
    await askForGrant(world.parts, ana, now)
    await askForGrant(world.parts, ana, { ...operate, from: start + minute })
    expect(world.all().map(({ from }) => from)).toEqual([start, noon, start + minute])
  })

  test.each<[string, Partial<Ask>, string, string]>([
    ['further ahead than the rule says', { from: noon + 7 * 24 * hour + 1 }, ahead, 'too-far-ahead'],
    ['where the rule says nothing', {}, rulesText, 'too-far-ahead'],
    ['for a time that is over', { from: noon - 1 }, ahead, 'too-far-ahead'],
    ['for no time', { from: Number.NaN }, ahead, 'too-far-ahead'],
    [
      'for a time that is frozen',
      {},
      `${ahead}\nfreeze:\n  - { tiers: [operate, admin], from: 2026-01-15T21:00Z, until: 2026-01-15T23:00Z, because: sales }\n`,
      'frozen',
    ],
  ])('is refused %s', async (_, changes, text, reason) => {
    const { world, outcome } = await asked({ ...operate, ...changes }, ana, text)
    expect(outcome).toMatchObject({ refused: { reason } })
    expect(world.events).toEqual([])
  })

  test('is not extended before it begins, and is then', async () => {
    const { world, id } = await asked()
    expect(await extendGrant(world.parts, ana, id, minute)).toEqual({ refused: { reason: 'not-begun' } })
    world.clock.set(start)
    expect(await extendGrant(world.parts, ana, id, minute)).toMatchObject({
      grant: { until: start + hour + minute, begins },
    })
  })

  test('is withdrawn while it has not begun, revoked once it may have', async () => {
    const early = await asked()
    expect(await revokeGrant(early.world.parts, ana, early.id)).toMatchObject({ withdrawn: { id: early.id } })
    expect(early.world.endOf(early.id)).toMatchObject({ state: 'refused', cause: 'withdrawn' })
    for (const at of [start - 5_000, start]) {
      const { world, id } = await asked()
      world.clock.set(at)
      expect(await revokeGrant(world.parts, ana, id)).toHaveProperty('receipt')
      expect(world.endOf(id)).toMatchObject({ state: 'ended', cause: 'revoked' })
    }
  })
})

describe('One that others approve', () => {
  test('can be approved until it begins, and begins then all the same', async () => {
    for (const at of [noon, start - 1]) {
      const { world, id } = await asked(admin, ben)
      expect(world.only()).toMatchObject({ state: 'pending', from: noon, until: start, begins })
      world.clock.set(at)
      await approveGrant(world.parts, ida, id)
      expect(world.only()).toMatchObject({ state: 'active', from: start, until: start + hour, begins })
      world.clock.set(start - 1)
      expect(mayRetry(world, ben)).toBe(false)
      world.clock.set(start)
      expect(mayRetry(world, ben)).toBe(true)
    }
  })

  test('lapses where nobody has by then', async () => {
    const { world, id } = await asked(admin, ben)
    expect(await expireGrant(world.parts, id)).toEqual({ dueAt: start })
    world.clock.set(start)
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'already-decided' })
    expect(await expireGrant(world.parts, id)).toBe('ended')
    expect(world.endOf(id)).toMatchObject({ state: 'refused', cause: 'lapsed' })
  })

  test('is taken back by whoever asked, and by nobody else', async () => {
    const { world, id } = await asked(admin, ben)
    expect(await revokeGrant(world.parts, ida, id)).toEqual({ refused: 'not-yours' })
    expect(await revokeGrant(world.parts, ben, 'orders-svc')).toMatchObject({ withdrawn: { id } })
    expect(world.endOf(id)).toMatchObject({
      state: 'refused',
      cause: 'withdrawn',
      by: { subject: 'idp-ben' },
    })
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'already-decided' })
  })

  test('is not approved into a freeze that came meanwhile', async () => {
    const { world, id } = await asked(admin, ben)
    world.setRules(
      rulesOf(
        `${ahead}\nfreeze:\n  - { tiers: [admin], from: 2026-01-15T21:00Z, until: 2026-01-15T23:00Z, because: sales }\n`,
      ),
    )
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'frozen' })
  })

  test('is denied at the same moment as it is approved, and never begins', async () => {
    const { world, id } = await asked(admin, ben)
    await approveGrant(world.parts, ida, id)
    const denied = await denyGrant(world.parts, { ...ida, subject: 'idp-lea' }, id)
    expect(denied).toMatchObject({ denied: { id } })
    world.clock.set(start)
    expect(mayRetry(world, ben)).toBe(false)
  })
})
