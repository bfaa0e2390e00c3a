import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { scopeHash } from '#access/domain/scope.ts'
import { people } from '#infra/sandbox/people.ts'
import { type BotUnderTest, known, startBotForTest, usualPeople } from '../builders/bot.ts'

const { ana, ben, cho } = people

let bot: BotUnderTest
beforeAll(async () => {
  const ida = known('eve', { groups: ['sre'] })
  bot = await startBotForTest(inject('redisUrl'), 196, { people: [...usualPeople.slice(0, 3), ida] })
})
afterAll(() => bot.stop())
beforeEach(() => bot.startOver())
afterEach(async () => {
  for (const { id, who } of await bot.live())
    await bot.command(who.subject === ben.subject ? ben : cho, `revoke ${id}`)
  expect(bot.faults).toEqual([])
})

describe('/access grant with several services', () => {
  test('gives one pass of all of them; asked again it is the same one', async () => {
    const said = await bot.command(cho, 'grant orders-svc payments-svc 1h operate because stuck')
    expect(said).toContain('You have a pass: *operate* on `orders-svc`, `payments-svc` until')
    await bot.command(cho, 'grant payments-svc,orders-svc 1h operate because stuck')
    expect(await bot.live()).toMatchObject([
      { state: 'active', tier: 'operate', services: ['orders-svc', 'payments-svc'] },
    ])
  })

  test('is refused as a whole, and says which and why', async () => {
    const said = await bot.command(cho, 'grant orders-svc paymnts-svc label:nothing 1h operate because stuck')
    expect(said.split('\n')).toEqual([
      'Nothing was given. It is all of these services or none, and of these not:',
      '• `paymnts-svc`: There is none. Did you mean `payments-svc`?',
      '• `label:nothing`: No service has this label.',
    ])
    expect(await bot.command(ana, 'grant label:tier-1 1h admin because stuck')).toContain(
      '• `payments-svc`: The rules do not let you ask for this. Tier *admin*.',
    )
    expect(await bot.live()).toEqual([])
  })

  test('is previewed and approved as one, by the hash of all of it', async () => {
    const text = 'orders-svc,payments-svc 1h admin because stuck'
    expect(await bot.command(ben, `preview ${text}`)).toContain(
      'approve *admin* on `orders-svc`, `payments-svc`',
    )
    await bot.command(ben, `grant ${text}`)
    const [asked] = await bot.live()
    if (asked === undefined) return expect.fail('nothing was asked for')
    expect(asked).toMatchObject({ state: 'pending', services: ['orders-svc', 'payments-svc'] })
    expect(scopeHash({ ...asked, services: ['orders-svc'] })).not.toBe(scopeHash(asked))
    // What somebody was shown of one service approves nothing of two.
    await bot.click(people.eve, 'approve', { ...asked, services: ['orders-svc'] })
    expect(await bot.live()).toMatchObject([{ state: 'pending' }])
    await bot.click(people.eve, 'approve', asked)
    expect(await bot.live()).toMatchObject([
      { state: 'active', services: ['orders-svc', 'payments-svc'], approvals: [{ scope: scopeHash(asked) }] },
    ])
  })
})
