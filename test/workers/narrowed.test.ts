import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { confirmedForMs } from '#access/domain/confirmation.ts'
import { people } from '#infra/sandbox/people.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { type BotUnderTest, known, startBotForTest } from '../builders/bot.ts'
import { minute, until } from '../builders.ts'

let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 208, { workers: true, reconcileEveryMs: 100 })
})
afterAll(() => bot.stop())

const shown = (pass: string): string[] =>
  bot.slack
    .messagesIn(channelNamed('inc-orders') ?? expect.fail('no channel'))
    .map(({ text }) => text)
    .filter((text) => text.includes(pass))

test('A pass whose incident PagerDuty does not confirm is shown, and listed, as the tier that it counts as', async () => {
  const { issuer, subject, name } = known('ana')
  // Whatever is asked of PagerDuty fails, so that its word grows old.
  bot.pagerDuty.fail({ kind: '500', count: 1_000_000 })
  const { id } = await bot.give({
    who: { issuer, subject, name },
    why: { kind: 'page', rule: 'paging', incident: { id: 'QNARROW', number: 9, title: 'stuck' } },
    until: bot.clock.now() + 60 * minute,
  })
  await until(() => shown(id).length === 1, 'the message')
  const words = 'but counts as *observe* for now: PagerDuty has not confirmed its incident'
  expect(shown(id).join() + (await bot.command(people.ana, 'list'))).not.toContain(words)

  bot.clock.set(bot.clock.now() + confirmedForMs + 1)
  await until(() => shown(id).join().includes(words), 'the message to say so')
  expect(shown(id)).toHaveLength(1)
  expect(await bot.command(people.ana, 'list')).toContain(words)
  expect(bot.faults).toEqual([])
})
