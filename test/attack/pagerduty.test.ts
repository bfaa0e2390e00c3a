import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { isFault } from '#access/domain/errors.ts'
import type { Grant } from '#access/domain/grant.ts'
import { loadDirectory } from '#access/runtime/directory.ts'
import { type Listening, listen } from '#access/runtime/listen.ts'
import { readBotConfig } from '#bot/config.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import type { Agent, Incident } from '#infra/sandbox/pagerduty/incident-record.ts'
import type { Trigger } from '#infra/sandbox/pagerduty/incidents.ts'
import { people } from '#infra/sandbox/people.ts'
import {
  type BotUnderTest,
  botEnvironment,
  expectGoodCommand,
  expectNothing,
  known,
  secrets,
  startBotForTest,
  usualPeople,
} from '../builders/bot.ts'
import { rawClient } from '../builders/raw-client.ts'
import { aFolder, hour, minute, rulesOf, rulesText, until } from '../builders.ts'

/**
 * Whoever reaches the bot's address, or has an account at PagerDuty, tries to have an incident give a pass that nobody
 * paged them for. A webhook never says more than where to look; what PagerDuty's API says is doubted too.
 */

const rules = rulesOf(
  `${rulesText.replace('    how: auto\n    for: 2h', '    how: auto\n    for: 2h\n    cap: 6h\n    grace: 10m')}paging: { per_day: 1000 }\n`,
)
type Answer = (request: IncomingMessage, response: ServerResponse) => boolean
/** What PagerDuty's API answers instead; false leaves the answer to it. */
let instead: Answer = () => false
let before: Listening
let bot: BotUnderTest

beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 46, {
    rules,
    beforePagerDuty: async (url) => {
      const server = createServer((request, response) => {
        if (instead(request, response)) return
        const headers = { authorization: request.headers.authorization ?? '' }
        fetch(`${url}${request.url}`, { headers }).then(
          async (answer) =>
            response
              .writeHead(answer.status, { 'content-type': 'application/json' })
              .end(Buffer.from(await answer.arrayBuffer())),
          () => response.destroy(),
        )
      })
      before = await listen(server, { host: '127.0.0.1', port: 0 })
      return `http://127.0.0.1:${before.port}`
    },
  })
})
beforeEach(async () => {
  bot.setPeople(usualPeople)
  bot.pagerDuty.webhooks.release()
  await bot.followed()
  bot.startOver()
})
afterEach(() => {
  instead = () => false
})
afterAll(async () => {
  await bot.stop()
  await before.close()
})

const { ana, ben, cho, dan, eve } = people
const user = ({ pagerduty }: { readonly pagerduty: { readonly user: string } }): Agent => ({
  kind: 'user',
  id: pagerduty.user,
})
const integration = (id: string): Agent => ({ kind: 'integration', id, service: 'PORDERS' })
const datadog = integration('PIDATADOG')
const orders = () => {
  const service = serviceWithId('PORDERS')
  if (service === undefined) throw new Error('no service')
  return service
}

const trigger = (changes: Partial<Trigger> = {}): Incident =>
  bot.pagerDuty.incidents.trigger({ service: orders(), title: 'orders are stuck', by: datadog, ...changes })
const grantsOf = async ({ id }: Incident): Promise<Grant[]> =>
  (await bot.live()).filter(({ why }) => why.kind === 'page' && why.incident.id === id)
const statesOf = async (incident: Incident): Promise<string[]> =>
  (await grantsOf(incident)).map(({ who, state }) => `${who.name} ${state}`).sort()
/** What became of an incident once everything about it was followed. */
const outcome = async (incident: Incident): Promise<Grant> => {
  await bot.followed()
  const [grant, ...more] = await grantsOf(incident)
  expect(more).toEqual([])
  if (grant === undefined) throw new Error('nothing was given')
  return grant
}
/** An incident that PagerDuty has told nobody of yet. */
const untold = (changes: Partial<Trigger> = {}): Incident => {
  bot.pagerDuty.webhooks.hold()
  return trigger(changes)
}

const webhookOf = (incident: string, changes: object = {}): string =>
  JSON.stringify({
    event: {
      id: `01${nextNumber()}`,
      event_type: 'incident.triggered',
      resource_type: 'incident',
      occurred_at: new Date(bot.clock.now()).toISOString(),
      data: { id: incident, type: 'incident' },
      ...changes,
    },
  })
let number = 0
const nextNumber = (): number => {
  number += 1
  return number
}
const sign = (body: string, secret: string = secrets.webhook): string =>
  `v1=${createHmac('sha256', secret).update(body).digest('hex')}`
const sendSigned = (body: string) => bot.sendWebhook(body, { 'x-pagerduty-signature': sign(body) })

test('What these tests alter gives a pass when it is not altered', async () => {
  expect(await outcome(trigger())).toMatchObject({ state: 'active', who: { subject: 'idp-ana' } })
  await expectGoodCommand(bot)
})

describe('A webhook that PagerDuty did not sign', () => {
  /** The incident is real and would give Ana a pass: somebody else must not be able to say when. */
  test.each<[string, (body: string) => Record<string, string>]>([
    ['has no signature', () => ({})],
    ['has an empty one', () => ({ 'x-pagerduty-signature': '' })],
    ['has one of another secret', (body) => ({ 'x-pagerduty-signature': sign(body, 'another') })],
    ['has one of Slack’s secret', (body) => ({ 'x-pagerduty-signature': sign(body, secrets.signing) })],
    ['has one of an empty secret', (body) => ({ 'x-pagerduty-signature': sign(body, '') })],
    [
      'has one of both secrets as one',
      (body) => ({ 'x-pagerduty-signature': sign(body, `${secrets.webhook},${secrets.olderWebhook}`) }),
    ],
    ['has one of another body', () => ({ 'x-pagerduty-signature': sign('{}') })],
    ['has half of one', (body) => ({ 'x-pagerduty-signature': sign(body).slice(0, 40) })],
    ['has one of version 0', (body) => ({ 'x-pagerduty-signature': sign(body).replace('v1', 'v0') })],
    ['has it behind ten others', (body) => ({ 'x-pagerduty-signature': `${wrong.repeat(10)}${sign(body)}` })],
    ['has ten wrong ones', () => ({ 'x-pagerduty-signature': wrong.repeat(10).slice(0, -1) })],
    [
      'has it in another header',
      (body) => ({ 'x-signature': sign(body), 'x-webhook-signature': sign(body) }),
    ],
  ])('%s', async (_, headers) => {
    const incident = untold()
    const { status } = await expectNothing(bot, 'signature', () => {
      const body = webhookOf(incident.id)
      return bot.sendWebhook(body, headers(body))
    })
    expect(status).toBe(202)
    bot.pagerDuty.webhooks.release()
    expect(await outcome(incident)).toMatchObject({ state: 'active' })
  })

  test('changes one byte of what was signed', async () => {
    const [one, other] = [untold(), untold()]
    await expectNothing(bot, 'signature', () => {
      const body = webhookOf(one.id)
      return bot.sendWebhook(body.replace(one.id, other.id), { 'x-pagerduty-signature': sign(body) })
    })
  })

  /** While a secret is replaced, deliveries carry a signature by each. One of them is ours, or none. */
  test('has several, of which one counts only if it is ours', async () => {
    const incident = untold()
    await expectNothing(bot, 'signature', () =>
      bot.pagerDuty.forge(incident.id, 'triggered', ['another secret', 'and one more']),
    )
    expect(
      await bot.pagerDuty.forge(incident.id, 'triggered', ['another secret', secrets.olderWebhook]),
    ).toBe(202)
    expect(await outcome(incident)).toMatchObject({ state: 'active' })
  })

  test.each(['', ' ', ',', `${secrets.webhook},`, 'short'])(
    'An empty secret (“%s”) starts no bot',
    (secret) => {
      const start = () => readBotConfig(botEnvironment(bot.redisUrl, { PAGERDUTY_WEBHOOK_SECRET: secret }))
      expect(start).toThrow('PAGERDUTY_WEBHOOK_SECRET')
    },
  )
})

describe('A webhook that was signed', () => {
  /** Kept from a page that is over, and sent again when its pass was given back. */
  test('hours ago brings no second pass', async () => {
    const incident = trigger()
    const grant = await outcome(incident)
    bot.clock.set(bot.clock.now() + minute)
    await bot.command(ana, `revoke ${grant.id}`)
    bot.clock.set(bot.clock.now() + 3 * hour)
    const { webhookId } = bot.pagerDuty.webhooks.deliveries().at(-1) ?? { webhookId: '' }
    await expectNothing(bot, undefined, async () => {
      bot.pagerDuty.webhooks.repeat(webhookId)
      await bot.followed()
    })
    // Whoever replays it after the queue has forgotten it.
    for (const job of await bot.queue('incidents').getJobs(['completed'])) await job.remove()
    await expectNothing(bot, 'page-again', async () => {
      bot.pagerDuty.webhooks.repeat(webhookId)
      await bot.followed()
    })
  })

  test('and is sent twenty times at once gives one pass', async () => {
    const incident = untold()
    const bodies = Array.from({ length: 20 }, () => webhookOf(incident.id))
    await Promise.all(bodies.map(sendSigned))
    expect(await outcome(incident)).toMatchObject({ state: 'active', version: 1 })
    await expectGoodCommand(bot)
  })

  /** The secret of a subscription is known to another account, or was stolen: its incidents are not ours. */
  test('about an incident that our account does not have', async () => {
    await expectNothing(bot, 'unknown', () => sendSigned(webhookOf('QOTHERACCOUNT1')))
  })

  test('with whoever is assigned, how urgently, and by whom, as somebody would like it: nothing of that counts', async () => {
    const incident = untold({ assignTo: eve.pagerduty.user, by: integration('PIEMAIL01'), urgency: 'low' })
    const body = webhookOf(incident.id, {
      agent: { id: 'PIDATADOG', type: 'inbound_integration_reference' },
      data: {
        id: incident.id,
        status: 'acknowledged',
        urgency: 'high',
        assignees: [{ id: ana.pagerduty.user, type: 'user_reference' }],
        service: { id: 'PPAYMTS' },
      },
    })
    await sendSigned(body)
    expect(await outcome(incident)).toMatchObject({ state: 'pending', who: { subject: 'idp-eve' } })
  })

  test('that says it is over what is not ends nothing', async () => {
    const incident = trigger()
    await outcome(incident)
    await expectNothing(bot, undefined, async () => {
      await bot.pagerDuty.forge(incident.id, 'resolved', [secrets.webhook])
      await bot.idle('incidents')
    })
  })

  test.each<[string, string | undefined, (id: string) => string]>([
    ['no JSON', 'shape', () => '{'],
    ['a list', 'shape', () => '[]'],
    ['null', 'shape', () => 'null'],
    ['deep', 'shape', () => '['.repeat(100_000)],
    ['an event in a list', 'shape', (id) => `{"event":[${webhookOf(id)}]}`],
    ['inherited fields', 'shape', (id) => webhookOf(id).replace('"event"', '"__proto__"')],
    ['an id in a list', 'shape', (id) => webhookOf(id, { data: { id: [id] } })],
    ['an id with a path', undefined, (id) => webhookOf(id, { data: { id: `${id}/../${id}` } })],
    ['an id with a query', undefined, (id) => webhookOf(id, { data: { id: `${id}?x` } })],
    ['an id of 100 kB', undefined, (id) => webhookOf(id, { data: { id: id.repeat(7_000) } })],
    ['a property that every object has', undefined, (id) => webhookOf(id, { data: { id: '__proto__' } })],
    ['another kind of event', undefined, (id) => webhookOf(id, { event_type: 'service.updated' })],
    [
      'a kind that only begins alike',
      undefined,
      (id) => webhookOf(id, { event_type: 'incidents.triggered' }),
    ],
  ])('and has another shape: %s', async (_, reason, body) => {
    const incident = untold()
    const { status } = await expectNothing(bot, reason, () => sendSigned(body(incident.id)))
    expect(status).toBe(202)
  })

  /** One reader checks the first, another acts on the last. We read once. */
  test('and names two incidents: the last one counts, and that is the one looked at', async () => {
    const [one, other] = [untold(), untold()]
    const body = webhookOf(one.id).replace('"data":', `"data":{"id":"${one.id}"},"data":`)
    await sendSigned(body.replace(new RegExp(`${one.id}"(?=,"type")`), `${other.id}"`))
    await bot.idle('incidents')
    expect(await statesOf(one)).toEqual([])
    expect(await statesOf(other)).toEqual(['Ana Lopes active'])
  })
})

describe('Late and out of order', () => {
  test('everything about an incident that is over, backwards and two days late', async () => {
    const incident = untold()
    bot.pagerDuty.incidents.acknowledge(incident.id, ana.pagerduty.user)
    bot.pagerDuty.incidents.resolve(incident.id, user(ben))
    bot.clock.set(bot.clock.now() + 48 * hour)
    await expectNothing(bot, undefined, async () => {
      bot.pagerDuty.webhooks.release(undefined, { reversed: true, lateByMs: 48 * hour })
      await bot.followed()
    })
  })

  test('an incident that is still open two days later is an offer, never a pass', async () => {
    const incident = untold()
    bot.clock.set(bot.clock.now() + 48 * hour)
    bot.pagerDuty.webhooks.release(undefined, { lateByMs: 48 * hour })
    expect(await outcome(incident)).toMatchObject({ state: 'offered', why: { doubt: 'page-late' } })
  })

  test('its end first, then its beginning', async () => {
    const incident = untold()
    bot.pagerDuty.incidents.resolve(incident.id, user(ben))
    await expectNothing(bot, undefined, async () => {
      bot.pagerDuty.webhooks.release(undefined, { reversed: true })
      await bot.followed()
    })
  })
})

describe('An incident that somebody made for themself', () => {
  /** Ana may be paged and is not. She has PagerDuty page her, and nobody else acts. */
  const selfMade: [string, () => Incident][] = [
    ['triggers it', () => trigger({ by: user(ana) })],
    ['triggers it and assigns it to herself', () => trigger({ by: user(ana), assignTo: ana.pagerduty.user })],
    [
      'reassigns it to herself',
      () => {
        const incident = untold({ assignTo: ben.pagerduty.user })
        return bot.pagerDuty.incidents.reassign(incident.id, [ana.pagerduty.user], user(ana))
      },
    ],
    [
      'raises its urgency',
      () => {
        const incident = untold({ urgency: 'low' })
        return bot.pagerDuty.incidents.changeUrgency(incident.id, 'high', user(ana))
      },
    ],
    ['gives it a priority', () => bot.pagerDuty.incidents.changePriority(untold().id, 'P1', user(ana))],
    [
      'delegates it to her own policy',
      () =>
        bot.pagerDuty.incidents.delegate(untold({ assignTo: ben.pagerduty.user }).id, 'PEORDER', user(ana)),
    ],
    [
      'escalates it until it reaches her',
      () => bot.pagerDuty.incidents.escalate(untold({ assignTo: ben.pagerduty.user }).id, user(ana), 1),
    ],
    [
      'reopens it',
      () => {
        const incident = untold()
        bot.pagerDuty.incidents.resolve(incident.id, user(ben))
        return bot.pagerDuty.incidents.reopen(incident.id, user(ana), [ana.pagerduty.user])
      },
    ],
  ]
  test.each(selfMade)(
    '%s: what she could have asked for is offered, and nothing by itself',
    async (_, make) => {
      const incident = make()
      bot.pagerDuty.webhooks.release()
      expect(await outcome(incident)).toMatchObject({
        state: 'offered',
        who: { subject: 'idp-ana' },
        why: { doubt: 'page-by-self' },
      })
      await expectGoodCommand(bot)
    },
  )

  /** She does it with a second account of hers, which the directory does not have. */
  test('with an account that nobody knows', async () => {
    const incident = untold({ assignTo: ben.pagerduty.user })
    bot.pagerDuty.incidents.reassign(incident.id, [ana.pagerduty.user], user(dan))
    bot.pagerDuty.webhooks.release()
    expect(await outcome(incident)).toMatchObject({ state: 'offered', why: { doubt: 'page-untrusted' } })
  })

  test.each<[string, Agent]>([
    ['an integration that nobody trusts', integration('PIEMAIL01')],
    ['PagerDuty itself, and nobody knows why', { kind: 'service', id: 'PORDERS' }],
    ['somebody whom the directory does not have', user(dan)],
  ])('triggered by %s', async (_, by) => {
    expect(await outcome(trigger({ by }))).toMatchObject({
      state: 'offered',
      why: { doubt: 'page-untrusted' },
    })
  })

  /** A pass that is running out because the incident went to others: she takes the incident back, and with it the time. */
  test('does not bring back what it had let go of, when its holder takes it back', async () => {
    const incident = trigger()
    await outcome(incident)
    bot.pagerDuty.incidents.reassign(incident.id, [cho.pagerduty.user], user(cho))
    await bot.followed()
    const ending = (await grantsOf(incident)).find(({ who }) => who.subject === 'idp-ana')
    expect(ending).toMatchObject({ ending: { cause: 'handed over' }, until: bot.clock.now() + 10 * minute })
    bot.pagerDuty.incidents.reassign(incident.id, [ana.pagerduty.user], user(ana))
    await bot.followed()
    expect(await bot.grant(ending?.id ?? '')).toEqual(ending)
  })

  test('brings it back when somebody else assigns it to its holder again', async () => {
    const incident = trigger()
    const { id, until: end } = await outcome(incident)
    bot.pagerDuty.incidents.reassign(incident.id, [cho.pagerduty.user], user(cho))
    await bot.followed()
    bot.pagerDuty.incidents.reassign(incident.id, [ana.pagerduty.user], user(cho))
    await bot.followed()
    expect(await bot.grant(id)).toMatchObject({ step: 'restored', until: end })
  })

  test('nor when its holder reopens it', async () => {
    const incident = trigger()
    await outcome(incident)
    bot.pagerDuty.incidents.resolve(incident.id, user(ben))
    await bot.followed()
    const ending = await outcome(incident)
    expect(ending).toMatchObject({ ending: { cause: 'incident over' } })
    bot.pagerDuty.incidents.reopen(incident.id, user(ana), [ana.pagerduty.user])
    await bot.followed()
    expect(await bot.grant(ending?.id ?? '')).toEqual(ending)
    expect(await statesOf(incident)).toEqual(['Ana Lopes active', 'Ana Lopes offered'])
  })

  /** She is not on call and nobody asked for her: a request for oneself is no page. */
  test('nor to whoever asks herself to help, as a responder', async () => {
    const incident = trigger({ assignTo: ben.pagerduty.user })
    await outcome(incident)
    bot.pagerDuty.incidents.addResponder(incident.id, ana.pagerduty.user, user(ana))
    await bot.followed()
    expect((await grantsOf(incident)).map(({ who }) => who.subject)).toEqual(['idp-ben'])
  })
})

describe('A page is not an authority by itself', () => {
  /** Eve edits the policy or overrides a schedule so that she is paged. No log entry tells: her groups decide. */
  test('somebody made on call whom no rule names waits for the owners', async () => {
    expect(await outcome(trigger({ assignTo: eve.pagerduty.user }))).toMatchObject({
      state: 'pending',
      approvers: { from: ['payments'], count: 1 },
      why: { doubt: 'page-no-rule' },
    })
  })

  test('whoever lost their groups gets nothing by itself', async () => {
    bot.setPeople([known('ana', { groups: [] }), known('ben'), known('cho')])
    expect(await outcome(trigger())).toMatchObject({ state: 'pending' })
  })

  test('whoever is inactive gets nothing', async () => {
    bot.setPeople([known('ana', { active: false }), known('ben'), known('cho')])
    const incident = untold()
    await expectNothing(bot, 'person-inactive', async () => {
      bot.pagerDuty.webhooks.release()
      await bot.followed()
    })
    expect(await statesOf(incident)).toEqual([])
  })

  test('whoever is not in the directory gets nothing, and the channel is told', async () => {
    await expectNothing(bot, 'page-unmapped', async () => {
      trigger({ assignTo: dan.pagerduty.user })
      await bot.followed()
    })
    const messages = await bot.queue('messages').getJobs()
    expect(messages.map(({ name }) => name)).toContain('unserved')
  })

  /** The last level of a policy pages everybody there is. */
  test('of a level that pages everybody, each gets what their own groups allow', async () => {
    const incident = untold()
    const everybody = [ana, ben, cho, dan, eve].map(({ pagerduty }) => pagerduty.user)
    bot.pagerDuty.incidents.reassign(incident.id, everybody, { kind: 'service', id: 'PORDERS' })
    bot.pagerDuty.webhooks.release()
    await bot.followed()
    expect(await statesOf(incident)).toEqual([
      'Ana Lopes active',
      'Ben Okafor active',
      'Cho Park active',
      'Eve Stone pending',
    ])
  })

  /** Two people under one account: whoever of them is paged, the other could use it. */
  test.each<[string, object]>([
    ['PagerDuty user', { pagerduty: people.ana.pagerduty }],
    ['PagerDuty user in two accounts', { pagerduty: { account: 'other', user: people.ana.pagerduty.user } }],
    ['Slack account', { slack: people.ana.slack }],
    ['principal', { subject: people.ana.subject }],
  ])('a directory where two share a %s starts no bot', async (_, alias) => {
    const { folder, remove } = await aFolder()
    const file = join(folder, 'directory.jws')
    const all = [known('ana'), known('ben', alias)].map((one) => ({ ...one, groups: [...one.groups] }))
    const body = { environment: 'sandbox', asOf: bot.clock.now(), people: all }
    await writeFile(file, await createStatements(bot.keys.offline).sign('directory', body))
    const error = await loadDirectory(file, createStatements(bot.keys.bot)).catch((thrown) => thrown)
    expect(isFault(error, 'directory/invalid')).toBe(true)
    await remove()
  })

  test.each(['bot', 'workers', 'proxy'] as const)('a directory that a %s signed is none', async (part) => {
    const { folder, remove } = await aFolder()
    const file = join(folder, 'directory.jws')
    const signed = createStatements(bot.keys[part]).sign('directory', {
      environment: 'sandbox',
      asOf: 0,
      people: [],
    })
    await expect(signed).rejects.toThrow('directory')
    await writeFile(file, '{"people":[]}')
    const error = await loadDirectory(file, createStatements(bot.keys.bot)).catch((thrown) => thrown)
    expect(isFault(error, 'statement/invalid')).toBe(true)
    await remove()
  })
})

describe('Load without a secret', () => {
  test.each<[string, (body: string) => Record<string, string>]>([
    ['unsigned', () => ({})],
    ['badly signed', (body) => ({ 'x-pagerduty-signature': sign(body, 'another') })],
  ])('a flood of %s deliveries is counted, and asks Redis nothing', async (_, headers) => {
    bot.startOver()
    const asked = await bot.commandsDuring(async () => {
      for (let round = 0; round < 20; round += 1) {
        const bodies = Array.from({ length: 50 }, () => webhookOf('Q1'))
        const answers = await Promise.all(bodies.map((body) => bot.sendWebhook(body, headers(body))))
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
      }
    })
    expect(asked.filter((command) => /incidents:event-/.test(command))).toEqual([])
    // What the bot asks by itself, second by second.
    expect(asked.length).toBeLessThan(1_000)
    expect(bot.lines().filter(({ why }) => why === 'signature').length).toBeLessThanOrEqual(21)
    await expectGoodCommand(bot)
  })

  test('a body larger than any of PagerDuty’s gets its answer, whoever signed it', async () => {
    const incident = untold()
    for (const size of [300_000, 5_000_000]) {
      const { status } = await expectNothing(bot, 'too large', () =>
        sendSigned(webhookOf(incident.id, { padding: 'x'.repeat(size) })),
      )
      expect(status).toBe(202)
    }
  })

  test('a body that drips or stops', async () => {
    bot.startOver()
    const head = [
      'POST /pagerduty/webhooks HTTP/1.1',
      'Host: bot',
      `X-PagerDuty-Signature: v1=${'0'.repeat(64)}`,
      'Content-Length: 10000',
      '',
      '{',
    ].join('\r\n')
    const [drips, stops] = [rawClient(bot.port), rawClient(bot.port)]
    drips.send(head)
    stops.send(head)
    await until(() => stops.socket.bytesWritten > 0 && !stops.socket.connecting, 'the head to be sent')
    const drip = setInterval(() => drips.send('x'), 200)
    // Once this is answered the bot has read what came before it; a reset takes away what was not read.
    await expectGoodCommand(bot)
    stops.reset()
    const incident = trigger()
    expect(await outcome(incident)).toMatchObject({ state: 'active' })
    await drips.closed()
    clearInterval(drip)
    await until(() => bot.lines().filter(({ why }) => why === 'cut off').length === 2, 'both to be told')
    await expectGoodCommand(bot)
  }, 120_000)
})

describe('What PagerDuty’s API answers', () => {
  const json = (response: ServerResponse, body: string, status = 200): true => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    return true
  }
  const html = (response: ServerResponse, status: number): true => {
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html><h1>hello</h1></html>')
    return true
  }
  const isIncident = ({ url = '' }: IncomingMessage): boolean => /^\/incidents\/[^/]+$/.test(url)
  const isLog = ({ url = '' }: IncomingMessage): boolean => url.includes('/log_entries')

  /** Somebody between us and PagerDuty, or PagerDuty itself out of order. It is asked again until it is well. */
  const hostile: [string, Answer][] = [
    ['a page of HTML', (_, response) => html(response, 200)],
    ['a page of HTML and 502', (_, response) => html(response, 502)],
    ['nothing', (_, response) => json(response, '')],
    ['null', (_, response) => json(response, 'null')],
    ['a list', (_, response) => json(response, '[]')],
    ['no incident', (_, response) => json(response, '{}')],
    ['an incident without anything', (_, response) => json(response, '{"incident":{}}')],
    ['an inherited incident', (_, response) => json(response, '{"__proto__":{"incident":{"id":"Q1"}}}')],
    ['deep JSON', (_, response) => json(response, '['.repeat(200_000))],
    ['20 MB', (_, response) => json(response, `{"incident":"${'x'.repeat(20_000_000)}"}`)],
    ['a reset', (_, response) => response.destroy() === response],
    ['that we are nobody', (_, response) => json(response, '{"error":{}}', 401)],
    [
      'an answer that ends in the middle',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        response.write('{"incident":')
        setTimeout(() => response.destroy(), 20)
        return true
      },
    ],
  ]
  test.each(hostile)('%s: nothing is given, until it answers well', async (_, answer) => {
    instead = (request, response) => isIncident(request) && answer(request, response)
    bot.startOver()
    const state = await bot.state()
    const incident = trigger()
    await until(() => failures().length > 0, 'the failure to be told')
    expect(await bot.state()).toEqual(state)
    instead = () => false
    await until(async () => (await statesOf(incident)).length > 0, 'the pass')
    expect(await statesOf(incident)).toEqual(['Ana Lopes active'])
    await expectGoodCommand(bot)
  })

  test('an answer that drips: it is left after 5 s, and nothing is given', async () => {
    const drips: NodeJS.Timeout[] = []
    instead = (request, response) => {
      if (!isIncident(request)) return false
      response.writeHead(200, { 'content-type': 'application/json' })
      drips.push(setInterval(() => response.write(' '), 100))
      return true
    }
    bot.startOver()
    const state = await bot.state()
    const incident = trigger()
    await until(() => failures().length > 0, 'the failure to be told')
    expect(await bot.state()).toEqual(state)
    for (const drip of drips) clearInterval(drip)
    instead = () => false
    await until(async () => (await statesOf(incident)).length > 0, 'the pass')
    await expectGoodCommand(bot)
  }, 120_000)

  /** A cache in between answers with somebody else’s page. */
  test('with another incident than asked for: it is not believed', async () => {
    const other = untold({ assignTo: ben.pagerduty.user })
    const incident = untold({ assignTo: eve.pagerduty.user })
    const headers = { authorization: `Token token=${secrets.pagerDutyToken}` }
    const theirs = await (
      await fetch(`http://127.0.0.1:${before.port}/incidents/${other.id}`, { headers })
    ).text()
    instead = (request, response) => request.url === `/incidents/${incident.id}` && json(response, theirs)
    bot.startOver()
    const state = await bot.state()
    await sendSigned(webhookOf(incident.id))
    await until(() => failures().length > 0, 'the failure to be told')
    expect(String(failures()[0]?.['error'])).toContain(`PagerDuty answered with ${other.id}`)
    expect(await bot.state()).toEqual(state)
    instead = () => false
    await until(async () => (await statesOf(incident)).length > 0, 'what the rules give')
    expect(await statesOf(other)).toEqual([])
  })

  test('with properties that every object has: they are left where they are', async () => {
    const incident = untold()
    const url = `http://127.0.0.1:${before.port}/incidents/${incident.id}`
    const headers = { authorization: `Token token=${secrets.pagerDutyToken}` }
    const real = await (await fetch(url, { headers })).text()
    const polluted = real.replace(
      '{"incident":{',
      '{"__proto__":{"more":true},"incident":{"__proto__":{"status":"resolved"},',
    )
    instead = (request, response) => isIncident(request) && json(response, polluted)
    await sendSigned(webhookOf(incident.id))
    expect(await outcome(incident)).toMatchObject({ state: 'active' })
    expect({}).not.toHaveProperty('status')
    await expectGoodCommand(bot)
  })

  test.each<[string, string, number]>([
    ['an empty history', '{"log_entries":[],"more":false}', 200],
    ['no history', '{"error":{}}', 404],
    [
      'a part of a long one',
      '{"log_entries":[{"type":"trigger_log_entry","agent":{"id":"PIDATADOG","type":"events_api_v2_inbound_integration_reference"}}],"more":true}',
      200,
    ],
    [
      'one whose trigger has no agent',
      '{"log_entries":[{"type":"trigger_log_entry","agent":null}],"more":false}',
      200,
    ],
    [
      'one whose trigger is a person with the id of an integration',
      '{"log_entries":[{"type":"trigger_log_entry","agent":{"id":"PIDATADOG","type":"user_reference"}}],"more":false}',
      200,
    ],
  ])('with %s: nobody knows the cause, and nothing is given by itself', async (_, history, status) => {
    instead = (request, response) => isLog(request) && json(response, history, status)
    expect(await outcome(trigger())).toMatchObject({ state: 'offered', why: { doubt: 'page-untrusted' } })
  })

  const failures = () => bot.lines().filter(({ msg }) => msg === 'an incident could not be followed')
})

describe('A job that somebody put into the queue of incidents', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['a text', 'Q1'],
    ['a list', ['Q1']],
    ['no incident', {}],
    ['an incident in a list', { incident: ['Q1'] }],
    ['a path', { incident: '../users' }],
    ['a dot', { incident: '..' }],
    ['nothing', { incident: '' }],
    ['inherited', JSON.parse('{"__proto__":{"incident":"Q1"}}')],
    ['100 kB', { incident: 'Q'.repeat(100_000) }],
  ])('with %s asks PagerDuty nothing', async (_, data) => {
    const asked: string[] = []
    instead = ({ url = '' }) => {
      asked.push(url)
      return false
    }
    await expectNothing(bot, 'an incident could not be followed', async () => {
      await bot.putJob('incidents', data, { attempts: 18 })
      await bot.idle('incidents')
    })
    expect(asked).toEqual([])
  })

  /** Whoever writes to Redis has the bot look at an incident: it sees what there is. */
  test('gives nothing that PagerDuty does not confirm', async () => {
    await expectNothing(bot, 'unknown', () => bot.putJob('incidents', { incident: 'QFORGED1' }))
    const incident = untold()
    bot.pagerDuty.incidents.resolve(incident.id, user(ben))
    await expectNothing(bot, undefined, () =>
      bot.putJob('incidents', { incident: incident.id, status: 'triggered', paged: [ana.pagerduty.user] }),
    )
    expect(await bot.redis.hlen(names.live)).toBeGreaterThan(0)
  })
})

const wrong = `v1=${'0'.repeat(64)},`
