import { webApi } from '@slack/bolt'
import { Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type MessageJob, openQueue, type Place, queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { createCards } from '#access/adapters/redis/cards.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createTurns } from '#access/adapters/redis/turns.ts'
import { people } from '#infra/sandbox/people.ts'
import { createSlack, type Slack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed, dmWith } from '#infra/sandbox/slack/workspace.ts'
import { type Content, tier3 } from '#workers/outbox/call-slack.ts'
import { deliverMessage } from '#workers/outbox/deliver-message.ts'
import { nameOf } from '#workers/outbox/message-job.ts'
import { freshDatabase, keptAlarms, until } from '../../builders.ts'
import { answers, hangsUp, hangsUpAfter, openSlackGate, says } from './slack-gate.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let slack: Slack
let gate: Awaited<ReturnType<typeof openSlackGate>>
let workers: Worker[]
let failed: { why: string; attempts: number }[]
let trouble: string[]
let alarms: ReturnType<typeof keptAlarms>
let rendered: Map<string, Content>
let ahead: number
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 38)
})
beforeEach(async () => {
  await database.redis.flushdb()
  ;[workers, failed, trouble, alarms, rendered, ahead] = [[], [], [], keptAlarms(), new Map(), 0]
  slack = createSlack({
    botToken: 'xoxb-sandbox',
    signingSecret: 'signing',
    bot: { eventsUrl: 'http://127.0.0.1:1/slack/events' },
  })
  await slack.listen(0)
  gate = await openSlackGate(slack.apiUrl)
})
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  await gate.close()
  await slack.close()
})
afterAll(() => database.close())

const queue = () =>
  openQueue<MessageJob>(queueNames.messages, database.redis, {
    defaultJobOptions: { attempts: 3, backoff: { type: 'fixed', delay: 50 } },
  })

/** Workers as a process has them, each with a client and connections of its own. */
const start = ({ token = 'xoxb-sandbox', count = 1, concurrency = 8 } = {}) => {
  for (let index = 0; index < count; index += 1) {
    const prompt = database.connect()
    const parts = {
      slack: new webApi.WebClient(token, {
        slackApiUrl: gate.url,
        // Slack’s stand-in is in this process, which may stand still for longer than a call takes.
        timeout: 60_000,
        rejectRateLimitedCalls: true,
        retryConfig: { retries: 0 },
        logLevel: webApi.LogLevel.ERROR,
      }),
      cards: createCards(prompt),
      turns: createTurns(prompt),
      render: async (card: string, at: Place) => rendered.get(`${card} ${nameOf(at)}`) ?? rendered.get(card),
      clock: { now: () => Date.now() + ahead },
      alarm: alarms.alarm,
    }
    const worker = new Worker(queueNames.messages, (job, lock) => deliverMessage(parts, job, lock), {
      connection: database.connect(),
      prefix: queuePrefix,
      concurrency,
    })
    worker.on('failed', (job, { message }) => failed.push({ why: message, attempts: job?.attemptsMade ?? 0 }))
    worker.on('error', (error) => void trouble.push(error.message))
    workers.push(worker)
  }
  return queue()
}

const orders = '#inc-orders'
const to = { channel: orders }
const shownIn = (name = 'inc-orders') =>
  slack.messagesIn(channelNamed(name) ?? expect.fail(`no channel ${name}`))
const texts = (name?: string): string[] => shownIn(name).map(({ text }) => text)
const posts = () => gate.of('chat.postMessage')
const updates = () => gate.of('chat.update')
const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } })
const notice = (text: string, more: object = {}): MessageJob => ({ kind: 'notice', to, text, ...more })
const card = (key: string, more: object = {}): MessageJob => ({ kind: 'card', to, card: key, ...more })
const finished = async (id: string): Promise<string> => {
  const job = await queue().getJob(id)
  return (await job?.getState()) ?? 'gone'
}
const isDone = (id: string) => until(async () => (await finished(id)) === 'completed', `${id} is done`)
/** The worker tells of it only after it is stored. */
const isDead = (id: string) =>
  until(async () => (await finished(id)) === 'failed' && failed.length > 0, `${id} is a dead letter`)

describe('A notice', () => {
  test('arrives in its channel, once, without previews of its links', async () => {
    await start().add('m', notice('see https://example.com', { blocks: [section('*see*')] }), {
      jobId: 'one',
    })
    await isDone('one')
    expect(shownIn()).toMatchObject([{ text: 'see https://example.com', blocks: [section('*see*')] }])
    expect(posts()).toMatchObject([{ args: { unfurl_links: 'false', unfurl_media: 'false' } }])
  })

  test('to a person arrives in their direct messages, which are opened once', async () => {
    const messages = start()
    const direct = { team: people.ana.slack.team, user: people.ana.slack.user }
    for (const id of ['one', 'two']) {
      await messages.add('m', { kind: 'notice', to: direct, text: id }, { jobId: id })
      await isDone(id)
    }
    const channel = dmWith(people.ana.slack.user) ?? expect.fail('no direct messages')
    expect(slack.messagesIn(channel).map(({ text }) => text)).toEqual(['one', 'two'])
    expect(gate.of('conversations.open')).toMatchObject([{ args: { users: people.ana.slack.user } }])
  })

  test('to a person whose known channel is gone finds the new one', async () => {
    const { team, user } = people.ana.slack
    await database.redis.set(names.direct(team, user), 'D0ANOTHER1')
    await start().add('m', { kind: 'notice', to: { team, user }, text: 'hi' }, { jobId: 'one' })
    await isDone('one')
    expect(failed).toHaveLength(1)
    expect(posts().map(({ args }) => args['channel'])).toEqual(['D0ANOTHER1', dmWith(user)?.id])
  })

  // Who is more than a turn late may be overtaken: this tells of a machine that does not stand still for so long.
  test('comes after others to its channel about a second each, in order, whoever delivers them', {
    retry: 3,
  }, async () => {
    const messages = start({ count: 2 })
    const all = Array.from({ length: 5 }, (_, index) => `message ${index}`)
    for (const [index, text] of all.entries()) {
      await messages.add('m', notice(text), { jobId: text.replace(' ', '-') })
      if (index === 0) await isDone('message-0')
    }
    await messages.add('m', { kind: 'notice', to: { channel: '#inc-payments' }, text: 'elsewhere' })
    await until(() => texts().length === 5, 'all arrived')
    expect(texts()).toEqual(all)
    expect(texts('inc-payments')).toEqual(['elsewhere'])
    const at = posts().flatMap((call) => (call.args['channel'] === orders ? [call.at] : []))
    // Four turns of 1,100 ms lie between them, whatever one call or another takes on its way.
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThan(3_400)
    expect(posts().findIndex(({ args }) => args['text'] === 'elsewhere')).toBeLessThan(3)
    expect([failed, trouble]).toEqual([[], []])
  })

  test('that comes too soon for Slack is put off so long without counting as a failure', async () => {
    gate.plan('chat.postMessage', answers(429, { 'retry-after': '2' }))
    const messages = start()
    await messages.add('m', notice('first'), { jobId: 'one' })
    await until(() => posts().length === 1, 'Slack was asked')
    // On a machine that stood still meanwhile it may already be done.
    await until(async () => (await finished('one')) !== 'active', 'it is put off')
    await messages.add('m', notice('second'), { jobId: 'two' })
    await isDone('two')
    expect(texts()).toEqual(['first', 'second'])
    const [refused, again] = posts()
    expect((again?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThan(1_900)
    expect((await messages.getJob('one'))?.attemptsMade).toBe(1)
    expect([failed, trouble]).toEqual([[], []])
  })

  test('is tried again when Slack fails, is away, or says that it is busy', async () => {
    gate.plan('chat.postMessage', answers(503), hangsUp)
    await start().add('m', notice('hello'), { jobId: 'one' })
    await isDone('one')
    expect(texts()).toEqual(['hello'])
    expect(failed.map(({ attempts }) => attempts)).toEqual([1, 2])
    expect(failed.every(({ why }) => why.startsWith('Slack refused a message to #inc-orders: '))).toBe(true)
  })

  test('whose answer was lost is said again: at least once', async () => {
    gate.plan('chat.postMessage', hangsUpAfter)
    await start().add('m', notice('hello'), { jobId: 'one' })
    await isDone('one')
    expect(texts()).toEqual(['hello', 'hello'])
  })

  test.each([
    ['channel_not_found', 'invite the app'],
    ['not_in_channel', 'invite the app'],
    ['is_archived', 'unarchive'],
    ['msg_too_long', 'report it'],
  ])(
    'that Slack will always refuse (%s) is a dead letter at once that names the mend',
    async (error, mend) => {
      gate.plan('chat.postMessage', says(error))
      await start().add('m', notice('hello'), { jobId: 'one' })
      await isDead('one')
      const job = await queue().getJob('one')
      expect(job?.attemptsMade).toBe(1)
      expect(job?.failedReason).toContain(`Slack refused a message to #inc-orders: ${error}`)
      expect(job?.failedReason).toContain(mend)
      expect(posts()).toHaveLength(1)
    },
  )

  test('with a wrong token is tried again, and its fault does not tell the token', async () => {
    await start({ token: 'xoxb-wrong-token' }).add('m', notice('hello'), { jobId: 'one' })
    await isDead('one')
    const job = await queue().getJob('one')
    expect(job?.attemptsMade).toBe(3)
    expect(job?.failedReason).toContain('invalid_auth')
    expect(JSON.stringify([job?.failedReason, job?.stacktrace])).not.toContain('xoxb-wrong-token')
  })

  test('with blocks that Slack refuses arrives as its text', async () => {
    await start().add('m', notice('hello', { blocks: [{ type: 'no-such-block' }] }), { jobId: 'one' })
    await isDone('one')
    expect(shownIn().map(({ text, blocks }) => [text, blocks])).toEqual([['hello', undefined]])
    expect(alarms.all).toEqual(['a message is delivered in a lesser form'])
    expect(failed).toEqual([])
  })

  test.each([
    ['no kind', { channel: orders, text: 'hello' }],
    ['a text for nobody', notice('')],
    ['a text that is too long', notice('a'.repeat(40_001))],
    ['too many blocks', notice('a', { blocks: Array.from({ length: 51 }, () => section('a')) })],
    ['blocks that are none', notice('a', { blocks: ['a'] })],
    ['a user as a channel', notice('a', { to: { channel: 'U0ANA00001' } })],
    ['a channel that is none', notice('a', { to: { channel: 'inc orders' } })],
    ['a user that is none', notice('a', { to: { team: 'T0SANDBOX', user: '@ana' } })],
    ['two places', notice('a', { to: { channel: orders, team: 'T0SANDBOX', user: 'U0ANA00001' } })],
    ['a card without a key', card('')],
    ['a card with a text', card('grant/1', { text: 'hello' })],
  ])('that is forged is refused and not tried again: %s', async (_, data) => {
    await start().add('m', data as MessageJob, { jobId: 'one' })
    await isDead('one')
    expect(failed).toMatchObject([{ why: expect.stringContaining('this is no message'), attempts: 1 }])
    expect(gate.calls).toEqual([])
  })
})

describe('A card', () => {
  test('is posted once, updated in place when it shows something else, and left alone when it does not', async () => {
    const messages = start()
    rendered.set('grant/1', { text: 'waiting', blocks: [section('waiting')] })
    await messages.add('m', card('grant/1'), { jobId: 'one' })
    await isDone('one')
    await messages.add('m', card('grant/1'), { jobId: 'two' })
    await isDone('two')
    expect([posts(), updates()]).toMatchObject([[{}], []])
    rendered.set('grant/1', { text: 'given' })
    await messages.add('m', card('grant/1'), { jobId: 'three' })
    await isDone('three')
    expect(posts()).toHaveLength(1)
    expect(shownIn().map(({ text, blocks }) => [text, blocks ?? []])).toEqual([['given', []]])
  })

  test('costs one call for many jobs, and one of each place', async () => {
    rendered.set('grant/1', { text: 'waiting' })
    const messages = queue()
    for (const id of ['a', 'b', 'c', 'd']) await messages.add('m', card('grant/1'), { jobId: id })
    await messages.add('m', card('grant/1', { to: { channel: '#inc-payments' } }), { jobId: 'e' })
    start()
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(isDone))
    expect([texts(), texts('inc-payments')]).toEqual([['waiting'], ['waiting']])
    expect(gate.calls).toHaveLength(2)
    expect(failed).toEqual([])
  })

  test('is rendered for the place where it is shown, when it is posted and when it is updated', async () => {
    const messages = start()
    const { team, user } = people.ana.slack
    const direct = dmWith(user) ?? expect.fail('no direct messages')
    const both = () => [texts(), slack.messagesIn(direct).map(({ text }) => text)]
    for (const step of ['asked', 'decided']) {
      rendered.set(`grant/1 ${orders}`, { text: `${step} in the channel` })
      rendered.set(`grant/1 ${team}/${user}`, { text: `${step} for Ana` })
      await messages.add('m', card('grant/1'), { jobId: `${step}-1` })
      await messages.add('m', card('grant/1', { to: { team, user } }), { jobId: `${step}-2` })
      await Promise.all([isDone(`${step}-1`), isDone(`${step}-2`)])
      expect(both()).toEqual([[`${step} in the channel`], [`${step} for Ana`]])
    }
  })

  test('of which there is nothing to show is not posted', async () => {
    await start().add('m', card('grant/1'), { jobId: 'one' })
    await isDone('one')
    expect(gate.calls).toEqual([])
  })

  test('that is shown only if it was posted before is not posted, and is updated', async () => {
    const messages = start()
    rendered.set('grant/1', { text: 'waiting' })
    await messages.add('m', card('grant/1', { ifPosted: true }), { jobId: 'one' })
    await isDone('one')
    expect(gate.calls).toEqual([])
    await messages.add('m', card('grant/1'), { jobId: 'two' })
    await isDone('two')
    rendered.set('grant/1', { text: 'given' })
    await messages.add('m', card('grant/1', { ifPosted: true }), { jobId: 'three' })
    await isDone('three')
    expect(texts()).toEqual(['given'])
  })

  test('is posted once by two workers at once; who comes second finds it done', async () => {
    rendered.set('grant/1', { text: 'waiting' })
    const release = Promise.withResolvers<void>()
    gate.holdBy(async ({ method }) => {
      if (method === 'chat.postMessage') await release.promise
    })
    const messages = start({ count: 2, concurrency: 1 })
    await messages.add('m', card('grant/1'), { jobId: 'one' })
    await messages.add('m', card('grant/1'), { jobId: 'two' })
    await until(
      async () => posts().length === 1 && (await messages.getDelayedCount()) === 1,
      'one is put off',
    )
    // By the lock: it does not even stand in line.
    expect(await database.redis.exists(names.turnsLine(`post ${orders}`))).toBe(0)
    release.resolve()
    await Promise.all([isDone('one'), isDone('two')])
    expect(gate.calls).toHaveLength(1)
    expect(texts()).toEqual(['waiting'])
  })

  test.each(['message_not_found', 'cant_update_message', 'edit_window_closed'])(
    'that can’t be updated any more (%s) is posted anew',
    async (error) => {
      const messages = start()
      rendered.set('grant/1', { text: 'waiting' })
      await messages.add('m', card('grant/1'), { jobId: 'one' })
      await isDone('one')
      gate.plan('chat.update', says(error))
      rendered.set('grant/1', { text: 'given' })
      await messages.add('m', card('grant/1'), { jobId: 'two' })
      await isDone('two')
      expect(texts()).toEqual(['waiting', 'given'])
      rendered.set('grant/1', { text: 'ended' })
      await messages.add('m', card('grant/1'), { jobId: 'three' })
      await isDone('three')
      expect(texts()).toEqual(['waiting', 'ended'])
      expect(failed).toEqual([])
    },
  )

  test('whose update comes too soon for Slack is put off, and then shows what it is by then', async () => {
    const messages = start()
    rendered.set('grant/1', { text: 'waiting' })
    await messages.add('m', card('grant/1'), { jobId: 'one' })
    await isDone('one')
    gate.plan('chat.update', answers(429, { 'retry-after': '1' }))
    rendered.set('grant/1', { text: 'given' })
    // It changes between the call that is refused and the next one.
    gate.holdBy(async ({ method }) => {
      if (method === 'chat.update') rendered.set('grant/1', { text: 'ended' })
    })
    await messages.add('m', card('grant/1'), { jobId: 'two' })
    await isDone('two')
    expect(texts()).toEqual(['ended'])
    expect(updates().map(({ args }) => args['text'])).toEqual(['given', 'ended'])
    expect((await messages.getJob('two'))?.attemptsMade).toBe(1)
    expect(failed).toEqual([])
  })

  test('waits with its update when all workers together updated as often as Slack takes it', async () => {
    const messages = start()
    rendered.set('grant/1', { text: 'waiting' })
    await messages.add('m', card('grant/1'), { jobId: 'one' })
    await isDone('one')
    const turns = createTurns(database.redis)
    for (let count = 0; count < 45; count += 1)
      expect(await turns.take(tier3('chat.update'), `other ${count}`, 0)).toBe(0)
    rendered.set('grant/1', { text: 'given' })
    await messages.add('m', card('grant/1'), { jobId: 'two' })
    await until(async () => (await finished('two')) === 'delayed', 'it is put off')
    const job = await messages.getJob('two')
    expect(job?.attemptsMade).toBe(0)
    expect(job?.delay).toBeGreaterThan(40_000)
    expect(updates()).toEqual([])
    await database.redis.del(names.turnsGone('chat.update'))
    await job?.promote()
    await isDone('two')
    expect(texts()).toEqual(['given'])
    expect(failed).toEqual([])
  })

  test.each([
    ['letters', 'ü🙂', /^(?:ü🙂)+ü?…$/u],
    ['entities', '&amp;', /^(?:&amp;)+…$/],
  ])('with a long text is updated with what Slack takes of it, in whole %s', async (_, part, shown) => {
    const messages = start()
    rendered.set('grant/1', { text: 'short' })
    await messages.add('m', card('grant/1'), { jobId: 'one' })
    await isDone('one')
    rendered.set('grant/1', { text: part.repeat(3_000) })
    await messages.add('m', card('grant/1'), { jobId: 'two' })
    await isDone('two')
    expect(texts()[0]).toMatch(shown)
  })

  test('with blocks that Slack refuses is updated to its text, once', async () => {
    const messages = start()
    rendered.set('grant/1', { text: 'waiting', blocks: [section('waiting')] })
    await messages.add('m', card('grant/1'), { jobId: 'one' })
    await isDone('one')
    rendered.set('grant/1', { text: 'given', blocks: [{ type: 'no-such-block' }] })
    for (const id of ['two', 'three']) {
      await messages.add('m', card('grant/1'), { jobId: id })
      await isDone(id)
    }
    expect(shownIn().map(({ text, blocks }) => [text, blocks ?? []])).toEqual([['given', []]])
    expect(updates()).toHaveLength(2)
  })

  test('of a worker that died while it posted is posted by another when the lock is over', async () => {
    rendered.set('grant/1', { text: 'waiting' })
    await createCards(database.redis).lock(orders, 'grant/1', 'a worker that died')
    await start().add('m', card('grant/1'), { jobId: 'one' })
    await until(async () => (await finished('one')) === 'delayed', 'it waits')
    await database.redis.pexpire(names.cardLock(orders, 'grant/1'), 1)
    await isDone('one')
    expect(texts()).toEqual(['waiting'])
    expect(failed).toEqual([])
  })
})

describe('In the thread of a card', () => {
  test('a notice waits until the card is posted', async () => {
    const messages = start()
    rendered.set('grant/1', { text: 'given' })
    await messages.add('m', notice('used', { thread: 'grant/1' }), { jobId: 'one' })
    await until(async () => (await finished('one')) === 'delayed', 'it waits')
    expect(gate.calls).toEqual([])
    await messages.add('m', card('grant/1'), { jobId: 'two' })
    await isDone('one')
    const [parent, reply] = shownIn()
    expect([parent?.text, reply?.text]).toEqual(['given', 'used'])
    expect(reply?.thread_ts).toBe(parent?.ts)
    expect(failed).toEqual([])
  })

  test('another card can stand', async () => {
    const messages = start()
    rendered.set('incident/Q1', { text: 'incident' })
    rendered.set('grant/1', { text: 'given' })
    await messages.add('m', card('grant/1', { thread: 'incident/Q1' }), { jobId: 'one' })
    await messages.add('m', card('incident/Q1'), { jobId: 'two' })
    await isDone('one')
    expect(shownIn()[1]?.thread_ts).toBe(shownIn()[0]?.ts)
  })

  test('that is not posted within a minute a notice waits no more, and stands in the channel', async () => {
    const messages = start()
    await messages.add('m', notice('used', { thread: 'grant/1' }), { jobId: 'one' })
    await until(async () => (await finished('one')) === 'delayed', 'it waits')
    ahead = 61_000
    await isDone('one')
    expect(shownIn().map(({ text, thread_ts }) => [text, thread_ts])).toEqual([['used', undefined]])
    expect(failed).toEqual([])
  })

  test('that takes no more replies a notice stands in the channel', async () => {
    const messages = start()
    rendered.set('grant/1', { text: 'given' })
    await messages.add('m', card('grant/1'), { jobId: 'one' })
    await isDone('one')
    gate.plan('chat.postMessage', says('cannot_reply_to_message'))
    await messages.add('m', notice('used', { thread: 'grant/1' }), { jobId: 'two' })
    await isDone('two')
    expect(shownIn().map(({ text, thread_ts }) => [text, thread_ts])).toEqual([
      ['given', undefined],
      ['used', undefined],
    ])
  })
})
