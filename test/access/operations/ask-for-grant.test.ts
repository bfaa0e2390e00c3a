import { describe, expect, test } from 'vitest'
import type { Ask } from '#access/domain/decide-access.ts'
import type { Grant } from '#access/domain/grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { aGrant, nthId } from '../../builders.ts'
import { ana, aWorld, ben, cho, eve, hour, ida, minute, noon, twoApprovals, type World } from './a-world.ts'

const observe: Ask = { service: 'orders-svc' }
const admin: Ask = { service: 'orders-svc', tier: 'admin', reason: 'stuck orders' }

const given = async (world: World): Promise<Grant> => {
  const outcome = await askForGrant(world.parts, ana, observe)
  return 'grant' in outcome ? outcome.grant : expect.fail('refused')
}

describe('Asking', () => {
  test('gives a pass at once where the rules say so', async () => {
    const world = aWorld()
    const outcome = await askForGrant(world.parts, ana, observe)
    expect(outcome).toEqual({ grant: world.only() })
    expect(world.only()).toEqual({
      id: expect.stringMatching(/^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/),
      version: 1,
      environment: 'sandbox',
      state: 'active',
      step: 'given',
      who: { issuer: ana.issuer, subject: 'idp-ana', name: 'Ana Lopes' },
      services: ['orders-svc'],
      tier: 'observe',
      from: noon,
      until: noon + hour,
      duration: hour,
      why: { kind: 'request', rule: 'on_request[0]' },
      nonce: 'n'.repeat(32),
      rules: world.rules.hash,
      at: noon,
    })
  })

  test('puts it before others where they have to approve: it stands for an hour, and is no access', async () => {
    const world = aWorld()
    await askForGrant(world.parts, ben, { ...admin, duration: 30 * minute })
    expect(world.only()).toMatchObject({
      state: 'pending',
      step: 'asked',
      until: noon + hour,
      duration: 30 * minute,
      approvers: { from: ['sre'], count: 1 },
      why: { reason: 'stuck orders' },
    })
  })

  test.each<[string, Ask]>([
    ['what is given at once', observe],
    ['what others approve', admin],
  ])('twice for %s is one ask, at whichever bot', async (_, ask) => {
    const world = aWorld()
    const first = await askForGrant(world.parts, ben, ask)
    world.later(minute)
    expect(await askForGrant(world.runner(), ben, ask)).toEqual(first)
    expect(world.events).toHaveLength(1)
  })

  test('for longer than what they have, or another tier or service, is another ask', async () => {
    const world = aWorld()
    await askForGrant(world.parts, ana, observe)
    await askForGrant(world.parts, ana, { ...observe, duration: 3 * hour })
    await askForGrant(world.parts, ana, { ...observe, tier: 'operate', reason: 'x' })
    await askForGrant(world.parts, ana, { service: 'payments-svc' })
    expect(world.all()).toHaveLength(4)
  })

  test('for what others approve is not answered with a pass of another state', async () => {
    const world = aWorld()
    await world.put(aGrant({ tier: 'admin', who: ben, approvals: [], until: noon + hour }))
    expect(await askForGrant(world.parts, ben, admin)).toMatchObject({ grant: { state: 'pending' } })
  })

  test('is not answered with a pass that is over, or whose signature does not hold', async () => {
    const world = aWorld()
    const mine = (n: number) => aGrant({ id: nthId(900 + n), tier: 'observe', until: noon + 8 * hour })
    await world.put({ ...mine(1), until: noon })
    const forged = await world.put(mine(2))
    world.forged.add(forged.id)
    const given = await askForGrant(world.parts, ana, observe)
    expect(given).toMatchObject({ grant: { version: 1, until: noon + hour } })
    expect(world.all()).toHaveLength(3)
  })

  test('is not answered with somebody else’s pass', async () => {
    const world = aWorld()
    await askForGrant(world.parts, cho, observe)
    expect(await askForGrant(world.parts, ana, observe)).toMatchObject({
      grant: { who: { name: 'Ana Lopes' } },
    })
  })

  test.each<[string, readonly (typeof ana)[], ReturnType<typeof twoApprovals> | undefined]>([
    ['nobody', [ana, ben], undefined],
    ['nobody active', [ana, ben, { ...ida, active: false }], undefined],
    ['only one other where it takes two', [ana, ben, ida], twoApprovals()],
  ])('is refused where %s could approve', async (_, people, rules) => {
    const world = aWorld({ people, ...(rules && { rules }) })
    expect(await askForGrant(world.parts, ben, admin)).toEqual({
      refused: { reason: 'nobody-to-approve', tier: 'admin' },
    })
    expect(world.all()).toEqual([])
  })

  test('is refused to people no rule names, and writes nothing', async () => {
    const world = aWorld()
    expect(await askForGrant(world.parts, eve, observe)).toMatchObject({
      refused: { reason: 'not-eligible' },
    })
    expect(await askForGrant(world.parts, ana, admin)).toMatchObject({ refused: { reason: 'not-eligible' } })
    expect(world.events).toEqual([])
  })

  test('10,000 times leaves twenty, whatever they ask', async () => {
    const world = aWorld()
    let refused = 0
    for (let n = 0; n < 10_000; n += 1) {
      const outcome = await askForGrant(world.parts, ben, { ...admin, duration: 30 * minute + n })
      if ('refused' in outcome) refused += outcome.refused.reason === 'too-many-passes' ? 1 : 0
    }
    expect(world.all()).toHaveLength(20)
    expect(refused).toBe(9_980)
  })

  test.each<[string, Ask]>([
    ['what is given at once', observe],
    ['what others approve', admin],
  ])('at several bots at once for %s is one ask', async (_, ask) => {
    const world = aWorld()
    const bots = [world.runner(), world.runner(), world.runner(), world.runner()]
    const outcomes = await Promise.all(bots.map((bot) => askForGrant(bot, ben, ask)))
    for (const outcome of outcomes) expect(outcome).toEqual({ grant: world.only() })
  })

  test('at several bots at once for different times is as many asks', async () => {
    const world = aWorld()
    const bots = [1, 2, 3].map((hours) => ({ bot: world.runner(), duration: hours * hour }))
    await Promise.all(bots.map(({ bot, duration }) => askForGrant(bot, ben, { ...observe, duration })))
    expect(
      world
        .all()
        .map(({ duration }) => duration / hour)
        .sort(),
    ).toEqual([1, 2, 3])
  })

  test('again after revoking gives a new one', async () => {
    const world = aWorld()
    const { id } = await given(world)
    await revokeGrant(world.parts, ana, 'orders-svc')
    expect((await given(world)).id).not.toBe(id)
    expect(world.standing()).toHaveLength(1)
  })
})
