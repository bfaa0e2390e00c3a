import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { readEnded } from '#access/adapters/redis/grant-store.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { buttonValue } from '#access/domain/button.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reasons } from '#access/domain/reasons.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { people } from '#infra/sandbox/people.ts'
import type { Message } from '#infra/sandbox/slack/messages.ts'
import { dmWith } from '#infra/sandbox/slack/workspace.ts'
import { type BotUnderTest, expectNothing, known, startBotForTest } from '../builders/bot.ts'
import { minute, until } from '../builders.ts'

const { ana, ben, cho } = people
const service = serviceWithId('PORDERS') ?? expect.fail('no service')
const byDatadog = { kind: 'integration', id: 'PIDATADOG', service: 'PORDERS' } as const
const byBen = { kind: 'user', id: ben.pagerduty.user } as const

let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 142, { workers: true })
})
afterAll(() => bot.stop())
beforeEach(() => bot.startOver())
afterEach(async () => {
  for (const { id } of await bot.live()) await bot.command(cho, `revoke ${id}`)
  expect(bot.faults).toEqual([])
})

const anas = (): readonly Message[] =>
  bot.slack.messagesIn(dmWith(ana.slack.user) ?? expect.fail('no messages'))
const later = (holds: () => boolean): boolean => {
  bot.clock.set(bot.clock.now() + 1_000)
  return holds()
}
const of = async (who: typeof ana): Promise<Grant> =>
  (await bot.live()).find(({ who: { subject } }) => subject === who.subject) ?? expect.fail('no pass')

/** Ana has had the pass of an incident for a while when Cho is paged, too. */
const bothPaged = async (afterMs: number) => {
  const { id } = bot.pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by: byDatadog })
  await bot.followed()
  await of(ana)
  bot.clock.set(bot.clock.now() + afterMs)
  bot.pagerDuty.incidents.reassign(id, [ana.pagerduty.user, cho.pagerduty.user], byBen)
  await bot.followed()
  await until(async () => (await bot.live()).length === 2, 'both to have a pass')
}

describe('Who holds the pass of an incident that reaches somebody else later', () => {
  test('may hand it over by a button: theirs ends, the other goes on; pressed again it does nothing more', async () => {
    await bothPaged(10 * minute)
    const [mine, theirs] = [await of(ana), await of(cho)]
    const offered = () => anas().findLast(({ text }) => text.includes('hand it over?'))
    await until(() => later(() => offered() !== undefined), 'Ana to be asked')
    expect(offered()?.text).toContain('*Cho Park* was paged for incident #1 “orders are stuck”, too.')
    const value = buttonValue(theirs, 'hand-over', known('ana'))
    await expectNothing(bot, 'button-unknown', () =>
      bot.sendPayload(bot.clickPayload(cho, 'hand-over', value)),
    )
    await expectNothing(bot, 'button-unknown', () =>
      bot.sendPayload(bot.clickPayload(ana, 'hand-over', buttonValue(mine, 'hand-over', known('cho')))),
    )
    await bot.slack.click(ana, offered() ?? expect.fail('no message'), 'Hand over')
    await until(() => bot.saidTo(ana).at(-1)?.startsWith('Handed over: Cho Park has') === true, 'the answer')
    expect((await bot.live()).map(({ id }) => id)).toEqual([theirs.id])
    expect((await readEnded(bot.redis, createStatements(bot.keys.proxy), mine.id))?.end).toMatchObject({
      cause: 'handed over',
      by: { subject: ana.subject },
    })
    await expectNothing(bot, 'already-decided', () =>
      bot.sendPayload(bot.clickPayload(ana, 'hand-over', value)),
    )
    expect(bot.saidTo(ana).at(-1)).toBe(reasons['already-decided'].person)
    await until(
      () => later(() => anas().some(({ text }) => text.includes('too. Your pass has ended'))),
      'the button to go',
    )
  })

  test('is not asked about who was paged together with them', async () => {
    const before = anas().filter(({ text }) => text.includes('hand it over?')).length
    await bothPaged(minute)
    await bot.idle('messages')
    expect(anas().filter(({ text }) => text.includes('hand it over?'))).toHaveLength(before)
  })
})
