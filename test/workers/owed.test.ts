import type { Job } from 'bullmq'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import type { OwedQueue } from '#access/adapters/redis/owed.ts'
import { people } from '#infra/sandbox/people.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { type BotUnderTest, expectGoodCommand, startBotForTest } from '../builders/bot.ts'
import { minute, until } from '../builders.ts'

/*
 * Redis loses jobs that were to tell somebody something: nothing else says any more that it is to be said. What is owed is
 * written down beside, so that it is said all the same, and once.
 */
let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 205, { workers: true, reconcileEveryMs: 100 })
})
afterAll(() => bot.stop())

const said = (): string[] => {
  const channel = channelNamed('inc-orders') ?? expect.fail('no channel')
  return bot.slack.messagesIn(channel).map(({ text }) => text)
}
const owed = async (queue: OwedQueue): Promise<string[]> =>
  (await bot.redis.hkeys(names.owed)).filter((field) => field.startsWith(`${queue}/`))
const passOf = (answer: string): string => /`([0-9a-z-]{14})`/.exec(answer)?.[1] ?? expect.fail(answer)
const wasMade = (job: string): boolean =>
  bot.lines().some((line) => line['job'] === job && line['was'] === 'lost')
/** The jobs are there, and each has its entry. */
const waiting = async (queue: OwedQueue): Promise<Job[]> => {
  const jobs = await bot.queue(queue).getJobs(['waiting', 'delayed'])
  expect((await owed(queue)).sort()).toEqual(jobs.map(({ id }) => `${queue}/${id}`).sort())
  return jobs
}
/** Makes all jobs of a queue vanish that come while something happens; tells their ids. */
const losing = async (queue: OwedQueue, happens: () => Promise<unknown>): Promise<string[]> => {
  await bot.queue(queue).pause()
  await happens()
  await until(async () => (await owed(queue)).length > 0, 'something to be owed')
  await until(async () => (await bot.queue(queue).getJobCountByTypes('waiting', 'delayed')) > 0, 'its job')
  await bot.idle('incidents')
  const jobs = await waiting(queue)
  for (const job of jobs) await job.remove()
  await bot.queue(queue).resume()
  bot.clock.set(bot.clock.now() + minute)
  return jobs.map(({ id }) => id ?? '')
}
const nothingOwed = (queue: OwedQueue) =>
  until(async () => (await owed(queue)).length === 0, `nothing to be owed in ${queue}`)

describe('A job that vanished', () => {
  test('and was to show a pass in the channel is made again, and it is shown once', async () => {
    let answer = ''
    const lost = await losing('messages', async () => {
      answer = await bot.command(people.ben, 'grant orders-svc 2h observe because it is lost')
    })
    const pass = passOf(answer)
    await nothingOwed('messages')
    expect(lost.filter((id) => !wasMade(id))).toEqual([])
    expect(said().filter((text) => text.includes(pass))).toHaveLength(1)
  })

  test('and was to sum up is made again, and it is summed up once', async () => {
    const pass = passOf(await bot.command(people.cho, 'grant orders-svc 2h observe because it ends'))
    await nothingOwed('messages')
    const lost = await losing('summaries', () => bot.command(people.cho, 'revoke orders-svc'))
    expect(lost).toEqual([`summary-${pass}-1`])
    const summaries = () =>
      said().filter((text) => text.startsWith('*Access, summed up') && text.includes(pass))
    await until(() => summaries().length > 0, 'the summary')
    for (const queue of ['summaries', 'messages', 'notes'] as const) await nothingOwed(queue)
    expect(summaries()).toHaveLength(1)
    await expectGoodCommand(bot)
  })

  test('after it was done leaves nothing to be said again', async () => {
    const before = said().length
    for (const queue of ['messages', 'summaries'] as const)
      for (const job of await bot.queue(queue).getCompleted()) await job.remove()
    const { made } = await looks()
    expect([made, said().length]).toEqual([[], before])
  })

  test('and was made again while the first run was only slow says nothing twice', async () => {
    const data = { kind: 'notice', to: { channel: '#inc-orders' }, text: 'said twice' }
    await bot.queue('messages').add('anew', data, { jobId: 'not-owed' })
    await bot.done('messages', 'not-owed')
    expect(said()).not.toContain('said twice')
  })

  test('is not made of what somebody wrote beside it by hand that is no job', async () => {
    await bot.redis.hset(
      names.owed,
      ...['expiries/x', '{"since":0,"data":{"grant":"aaaa-bbbb-cccc"}}', 'messages/y', 'nonsense', 'z', ''],
    )
    const before = await bot.state()
    await until(async () => (await bot.redis.hlen(names.owed)) === 0, 'it to be forgotten')
    expect(await bot.state()).toEqual(before)
    expect(await bot.queue('messages').getJob('y')).toBeUndefined()
  })
})

/** Two more jobs vanish, one behind the other: once they are back, everything before them was looked at. */
const looks = async (): Promise<{ readonly made: readonly string[] }> => {
  const from = bot.lines().length
  const markers = ['marker-1', 'marker-2']
  for (const marker of markers) {
    const data = { kind: 'card', to: { channel: '#inc-orders' }, card: `occasion/${marker}`, ifPosted: true }
    await bot.redis.hset(names.owed, `messages/${marker}`, JSON.stringify({ since: 0, data }))
    await until(() => wasMade(marker), 'the marker')
  }
  const made = bot
    .lines()
    .slice(from)
    .flatMap((line) => (line['was'] === 'lost' ? [String(line['job'])] : []))
  return { made: made.filter((id) => !markers.includes(id)) }
}
