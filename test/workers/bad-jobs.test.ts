import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { listDeadLetters, retryDeadLetters } from '#access/adapters/dead-letters.ts'
import type { QueueName } from '#access/adapters/queues.ts'
import { people } from '#infra/sandbox/people.ts'
import { type BotUnderTest, expectGoodCommand, known, startBotForTest } from '../builders/bot.ts'
import { minute, until } from '../builders.ts'

/*
 * Whoever can write to Redis puts jobs into the queues: nonsense, jobs of another Pagepass, jobs about what is not there, and
 * good jobs too early or again. A job is only a helper: none gives, lengthens or shortens anything.
 */
let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 162, { workers: true, reconcileEveryMs: 200 })
})
afterAll(() => bot.stop())

const records = async (): Promise<Record<string, unknown>[]> =>
  (await readFile(join(bot.auditFolder, 'workers-a.jsonl'), 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

let number = 0
const long = 'x'.repeat(100_000)
const unfit: readonly (readonly [QueueName, unknown])[] = [
  ['expiries', null],
  ['expiries', []],
  ['expiries', { grant: 7 }],
  ['expiries', { grant: '__proto__' }],
  ['expiries', { grant: long }],
  ['expiries', { id: 'aaaa-bbbb-cccc' }],
  ['beginnings', { grant: { $gt: '' } }],
  ['beginnings', { grants: ['aaaa-bbbb-cccc'] }],
  ['reminders', { grant: 'aaaa-bbbb-cccc' }],
  ['reminders', { grant: 'aaaa-bbbb-cccc', version: 'NaN' }],
  ['questions', { grant: 'aaaa-bbbb-cccc', what: 'approve' }],
  ['summaries', { occasion: '../../etc', grants: 1 }],
  ['summaries', { occasion: 'Q1', grants: '1' }],
  ['messages', { kind: 'notice', to: { channel: 'https://example.com' }, text: 'x' }],
  ['messages', { kind: 'order', to: { channel: '#general' }, text: 'x' }],
  ['notes', { incident: '../users', text: 'x' }],
]

describe('A job that nobody of ours put there', () => {
  test.each(unfit)('is refused with its reason, recorded and kept: %s %j', async (queue, data) => {
    const before = await bot.state()
    number += 1
    const id = await bot.putJob(queue, data, { attempts: 5, jobId: `forged-${number}` })
    await bot.done(queue, id)
    const letter = (await listDeadLetters(bot.redis)).find((one) => one.queue === queue && one.id === id)
    expect(letter?.why).toMatch(/^this is no /)
    expect(letter?.why.length).toBeLessThan(600)
    // Once: trying again mends nothing.
    expect(letter?.attempts).toBe(1)
    const job = await bot.queue(queue).getJob(id)
    expect(job?.data).toEqual(data)
    await until(async () => (await records()).some((one) => one['job'] === id), 'its record')
    expect((await records()).filter((one) => one['kind'] === 'unfit' && one['job'] === id)).toEqual([
      expect.objectContaining({ queue, why: letter?.why }),
    ])
    expect(await bot.state()).toEqual(before)
    await job?.remove()
  })

  test.each<[QueueName, unknown]>([
    ['incidents', { incident: '../users/PUANA01' }],
    ['incidents', { incident: long }],
    ['incidents', 'Q1'],
  ])('is refused by the bot, and kept: %s %j', async (queue, data) => {
    const id = await bot.putJob(queue, data, { attempts: 5 })
    await bot.done(queue, id)
    const letter = (await listDeadLetters(bot.redis)).find((one) => one.id === id)
    expect(letter).toMatchObject({ why: expect.stringMatching(/^this is no /), attempts: 1 })
    await (await bot.queue(queue).getJob(id))?.remove()
  })

  test('ends, begins and lengthens nothing before its time, however often it comes', async () => {
    const { issuer, subject, name } = known('ana')
    const grant = await bot.give({ who: { issuer, subject, name } })
    const before = await bot.state()
    for (const queue of ['expiries', 'beginnings', 'reminders'] as const)
      for (const version of [0, 1, 2]) {
        const id = await bot.putJob(
          queue,
          { grant: grant.id, version },
          { jobId: `${queue}-forged-${version}` },
        )
        if (queue !== 'expiries') await bot.done(queue, id)
      }
    await bot.idle('expiries')
    expect(await bot.state()).toEqual(before)
    expect(await bot.grant(grant.id)).toEqual(grant)
    await expectGoodCommand(bot)
  })
})

describe('A job that is gone, altered or put off', () => {
  test.each(['lost', 'altered', 'put off'] as const)(
    'harms nobody: the pass ends all the same: %s',
    async (how) => {
      const { issuer, subject, name } = known('ben')
      const now = bot.clock.now()
      const grant = await bot.give({ who: { issuer, subject, name }, until: now + 5 * minute, at: now })
      const jobs = () => bot.queue('expiries').getJob(`expiry-${grant.id}-1`)
      await until(async () => (await jobs()) !== undefined, 'the job')
      const job = (await jobs()) ?? expect.fail('no job')
      if (how === 'lost') await job.remove()
      if (how === 'altered') await job.updateData({ grant: 'aaaa-bbbb-cccc' })
      if (how === 'put off') await job.changeDelay(99 * 60 * minute)
      bot.clock.set(now + 4 * minute + 30_000)
      const what = how === 'put off' ? 'late' : how
      const wasMended = () => bot.lines().some((line) => line['job'] === job.id && line['was'] === what)
      await until(wasMended, 'the job to be put right')
      expect((await jobs())?.data).toEqual({ grant: grant.id })
      expect(await bot.grant(grant.id)).toEqual(grant)
      bot.clock.set(now + 6 * minute)
      await until(async () => (await bot.grant(grant.id)) === undefined, 'the pass to end')
      expect(bot.faults).toEqual([])
    },
  )

  test('is nothing that trying dead letters again could make of it', async () => {
    const before = await bot.state()
    const id = await bot.putJob('expiries', { grant: 'nobody’s' })
    await bot.done('expiries', id)
    expect(await retryDeadLetters(bot.redis)).toBe(1)
    await bot.done('expiries', id)
    expect(await bot.state()).toEqual(before)
    expect(await bot.command(people.cho, 'list')).toContain('You have')
  })
})
