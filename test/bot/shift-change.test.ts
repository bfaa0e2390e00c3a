import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { writeReports } from '#access/adapters/redis/reports.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Grant } from '#access/domain/grant.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { people } from '#infra/sandbox/people.ts'
import { type Channel, channelNamed, dmWith } from '#infra/sandbox/slack/workspace.ts'
import { renewing } from '../access/operations/a-world.ts'
import { type BotUnderTest, startBotForTest } from '../builders/bot.ts'
import { hour, minute, until } from '../builders.ts'

const { ana, cho } = people
const service = serviceWithId('PORDERS') ?? expect.fail('no service')
const byDatadog = { kind: 'integration', id: 'PIDATADOG', service: 'PORDERS' } as const

let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 195, {
    workers: true,
    rules: renewing(),
    reconcileEveryMs: 100,
  })
})
afterAll(() => bot.stop())

const of = async (who: typeof ana): Promise<Grant | undefined> =>
  (await bot.live()).find(({ who: { subject } }) => subject === who.subject)
/** Messages to one place wait for their turn, by the clock. */
const says = (where: Channel | undefined, text: string) =>
  until(async () => {
    bot.clock.set(bot.clock.now() + 1_000)
    return bot.slack.messagesIn(where ?? expect.fail('no such place')).some((one) => one.text.includes(text))
  }, text)
const uses = (grant: string, number: number, usage: object) =>
  writeReports(bot.redis, createStatements(bot.keys.proxy), 'sandbox', [
    {
      kind: 'usage',
      proxy: 'a',
      boot: 'boot-a',
      grant,
      number,
      usage: { patterns: {}, writes: 0, refused: {}, ...usage },
    },
  ])

describe('The shift changes while an incident is open', () => {
  test('whoever comes has a pass, and from their first request the other’s ends after its grace', async () => {
    const { id } = bot.pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by: byDatadog })
    await until(async () => (await of(ana))?.state === 'active', 'Ana to have a pass')
    bot.clock.set(bot.clock.now() + hour / 4)
    bot.pagerDuty.incidents.changeShift(service, cho.pagerduty.user)
    await until(async () => (await of(cho))?.state === 'active', 'Cho to have a pass')
    const theirs = (await of(cho)) ?? expect.fail('no pass')
    expect(theirs.why).toMatchObject({ incident: { id }, relieves: [{ subject: ana.subject }] })
    await says(
      dmWith(ana.slack.user),
      '*Cho Park* is on call for incident #1 “orders are stuck” after Ana Lopes.',
    )

    await uses(theirs.id, 1, { refused: { 'tier-too-low': 1 } })
    await until(async () => (await bot.redis.hlen(names.usage(theirs.id))) === 1, 'the report to be read')
    await bot.followed()
    expect((await of(ana))?.ending).toBeUndefined()

    await uses(theirs.id, 2, { patterns: { 'GET /**': { 200: 1 } } })
    await until(async () => (await of(ana))?.ending !== undefined, 'Ana’s pass to end early')
    const mine = (await of(ana)) ?? expect.fail('no pass')
    expect(mine.ending).toMatchObject({ cause: 'handed over', to: { subject: cho.subject } })
    expect(mine.until - (mine.ending?.at ?? 0)).toBe(10 * minute)
    expect(bot.pagerDuty.incidents.find(id).assignments).toMatchObject([{ user: ana.pagerduty.user }])
    await says(
      channelNamed('inc-orders'),
      `*Cho Park* took over from *Ana Lopes*: Ana Lopes’s pass \`${mine.id}\` ends at `,
    )
    await says(dmWith(ana.slack.user), '*Cho Park* took over incident #1 “orders are stuck” from you')
    expect(bot.faults).toEqual([])
  })
})
