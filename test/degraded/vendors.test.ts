import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { people } from '#infra/sandbox/people.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { type BotUnderTest, expectGoodCommand, startBotForTest } from '../builders/bot.ts'
import { minute, until } from '../builders.ts'

/*
 * Slack and PagerDuty are there, and do not do what they are asked: too many calls, errors of theirs, no answer at all. Nobody
 * gets more by that, nobody loses what they have, and what was to be said or given is, once they are well.
 */
let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 207, { workers: true })
})
afterEach(async () => {
  bot.slack.mend()
  bot.pagerDuty.mend()
  for (const verb of ['revoke orders-svc', 'revoke payments-svc']) await bot.command(people.ben, verb)
  bot.clock.set(bot.clock.now() + minute)
})
afterAll(() => bot.stop())

const inChannel = (about: string): string[] =>
  bot.slack
    .messagesIn(channelNamed('inc-orders') ?? expect.fail('no channel'))
    .map(({ text }) => text)
    .filter((text) => text.includes(about))

describe('Slack', () => {
  test.each([
    ['says 429', { kind: '429', retryAfter: 1, count: 2 }],
    ['fails', { kind: '500', count: 1 }],
    ['does not answer', { kind: 'timeout', count: 1 }],
  ] as const)('%s: commands are answered, the pass stands, and is shown once', async (how, fault) => {
    bot.slack.fail({ ...fault, method: 'chat.postMessage' })
    const answer = await bot.command(people.ben, `grant orders-svc 1h observe because Slack ${how}`)
    const pass = /Pass `([0-9a-z-]{14})`/.exec(answer)?.[1] ?? expect.fail(answer)
    expect(await bot.grant(pass)).toMatchObject({ state: 'active' })
    await until(() => inChannel(pass).length > 0, 'the message')
    await bot.idle('messages')
    expect(inChannel(pass)).toHaveLength(1)
    expect(bot.faults).toEqual([])
  })
})

describe('PagerDuty', () => {
  const service = serviceWithId('PORDERS') ?? expect.fail('no such service')
  const paged = async (incident: string) =>
    (await bot.live()).filter(({ why }) => why.kind === 'page' && why.incident.id === incident)
  /** It was asked about the incident, and that came to nothing. */
  const wasPutOff = async (): Promise<boolean> =>
    (await bot.queue('incidents').getJobs(['delayed'])).some(({ attemptsStarted }) => attemptsStarted > 0)

  test.each(['429', '500'] as const)(
    '%s: nothing is given by itself; by hand it is; and the page gives its pass once it is well',
    async (kind) => {
      bot.pagerDuty.fail({ kind, count: 10_000, path: '/incidents' })
      const by = { kind: 'integration', id: 'PIDATADOG', service: service.id } as const
      const assignTo = people.ana.pagerduty.user
      const { id } = bot.pagerDuty.incidents.trigger({ service, title: `stuck ${kind}`, by, assignTo })
      await until(wasPutOff, 'PagerDuty to be asked')
      expect(await paged(id)).toEqual([])
      expect(await bot.command(people.ben, 'grant orders-svc 1h observe because I am asked to')).toMatch(
        /^You have a pass/,
      )
      bot.pagerDuty.mend()
      await until(async () => (await paged(id)).length === 1, 'the pass of the page')
      bot.pagerDuty.incidents.resolve(id, { kind: 'user', id: people.ana.pagerduty.user })
      await until(async () => (await paged(id)).length === 0, 'its end')
      await expectGoodCommand(bot)
    },
  )
})
