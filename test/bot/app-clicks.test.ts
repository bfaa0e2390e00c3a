import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { type ButtonAction, buttonValue } from '#access/domain/button.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reasons } from '#access/domain/reasons.ts'
import { type BotParts, startBot } from '#bot/app.ts'
import { readBotConfig } from '#bot/config.ts'
import { type Person, people } from '#infra/sandbox/people.ts'
import { type SignedRequest, signedForm } from '#infra/sandbox/slack/signed-request.ts'
import { createSlack, type Slack } from '#infra/sandbox/slack/slack.ts'
import { botEnvironment, secrets } from '../builders/bot.ts'
import {
  aGrant,
  aPerson,
  freshDatabase,
  freshKeys,
  frozenClock,
  hour,
  keptLog,
  noon,
  nthId,
  pageWhy,
  rulesOf,
  until,
} from '../builders.ts'
import { startRecorder } from '../infra/sandbox/recorder.ts'

const { signing: secret, olderSigning, botToken } = secrets
const clock = frozenClock()
const { ana, ben, dan } = people

let database: Awaited<ReturnType<typeof freshDatabase>>
let keys: BotParts['keys']
let slack: Slack
let elsewhere: Awaited<ReturnType<typeof startRecorder>>
let bot: Awaited<ReturnType<typeof startBot>>
let log: ReturnType<typeof keptLog>

const known = ({ subject, fullName, groups, slack: account, pagerduty }: Person) =>
  aPerson({ subject, name: fullName, groups, slack: account, pagerduty })

beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 44)
  keys = (await freshKeys()).bot
  slack = createSlack({
    botToken,
    signingSecret: secret,
    bot: { eventsUrl: 'http://127.0.0.1:1/slack/events' },
  })
  await slack.listen(0)
  elsewhere = await startRecorder(() => ({ status: 200 }))
  log = keptLog()
  const config = readBotConfig(botEnvironment(database.url, { SLACK_API_URL: slack.apiUrl() }))
  bot = await startBot({
    config,
    rules: rulesOf(),
    keys,
    directory: indexDirectory({
      environment: 'sandbox',
      asOf: noon,
      people: [ana, ben].map((one) => {
        const person = known(one)
        return { ...person, groups: [...person.groups] }
      }),
    }),
    clock,
    log: log.log,
    prompt: database.connect(),
    patient: database.connect,
  })
  await until(() => bot.waitingFor().length === 0, 'the bot is ready')
})
afterAll(async () => {
  await bot.stop()
  await slack.close()
  await elsewhere.close()
  database.close()
})

let number = 0
/** An offer of its own for each test, so that they share one bot. */
const offer = async (changes: Partial<Grant> = {}): Promise<Grant> => {
  number += 1
  const grant = aGrant({
    id: nthId(number),
    state: 'offered',
    step: 'offered',
    why: pageWhy(`Q${number}`),
    until: noon + 4 * hour,
    ...changes,
  })
  await createGrantStore(database.redis, createStatements(keys), clock).give(grant)
  return grant
}
let before: number
beforeEach(() => {
  before = elsewhere.requests.length
})

const buttonOf = (grant: Grant, action: ButtonAction, to: Person = ana) => ({
  type: 'button',
  action_id: action,
  block_id: 'decide',
  text: { type: 'plain_text', text: action },
  value: buttonValue(grant, action, known(to)),
  action_ts: '1768478400.000100',
})
const payloadOf = (grant: Grant, changes: object = {}, who: Person = ana, action: ButtonAction = 'take') => ({
  type: 'block_actions',
  user: { id: who.slack.user, username: who.name, name: who.name, team_id: who.slack.team },
  api_app_id: 'A0PAGEPASS',
  token: 'legacy',
  container: { type: 'message', message_ts: '1768478400.000100', channel_id: 'C0GENERAL0' },
  trigger_id: '1.2.3',
  team: { id: 'T0SANDBOX', domain: 'sandbox' },
  enterprise: null,
  is_enterprise_install: false,
  channel: { id: 'C0GENERAL0', name: 'general' },
  state: { values: {} },
  response_url: `${elsewhere.url}/actions/T0SANDBOX/1/x`,
  actions: [buttonOf(grant, action, who)],
  ...changes,
})
const signed = (payload: unknown, at = clock.now(), by: string = secret): SignedRequest =>
  signedForm(by, at, { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) })

const send = async ({ body, headers }: SignedRequest): Promise<{ status: number; text: string }> => {
  const url = `http://127.0.0.1:${bot.port}/slack/events`
  const response = await fetch(url, { method: 'POST', headers, body })
  return { status: response.status, text: await response.text() }
}
const said = (who: Person): string[] => slack.visibleOnlyTo(who).map(({ text }) => text)
const stepsOf = async (grant: Grant): Promise<number> =>
  (await database.redis.xrange(names.events, '-', '+')).filter(([, fields]) => fields[3] === grant.id).length

/** It had no effect on the grant, the bot goes on, and nothing was sent to where the payload says. */
const nothingHappened = async (grant: Grant): Promise<void> => {
  expect(await stepsOf(grant)).toBe(1)
  expect(elsewhere.requests.length).toBe(before)
  const other = await offer()
  expect(await send(signed(payloadOf(other)))).toMatchObject({ status: 200 })
  expect(await stepsOf(other)).toBe(2)
}

describe('A signed click', () => {
  test('takes effect, is acknowledged with nothing, and answered to the clicker alone', async () => {
    const grant = await offer()
    const heard = said(ana).length
    expect(await send(signed(payloadOf(grant)))).toEqual({ status: 200, text: '' })
    await until(() => said(ana).length > heard, 'the answer')
    expect(said(ana).at(-1)).toContain('You have a pass: *operate* on `orders-svc` until')
    expect(await stepsOf(grant)).toBe(2)
    expect(elsewhere.requests.length).toBe(before)
  })

  test('with the older of two secrets counts', async () => {
    const grant = await offer()
    await send(signed(payloadOf(grant), noon, olderSigning))
    expect(await stepsOf(grant)).toBe(2)
  })

  test('takes effect once however often it is replayed, one after another and at once', async () => {
    const grant = await offer()
    const request = signed(payloadOf(grant))
    expect((await send(request)).status).toBe(200)
    const heard = said(ana).length
    const again = await Promise.all(Array.from({ length: 10 }, () => send(request)))
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await stepsOf(grant)).toBe(2)
    expect(said(ana).length).toBeLessThanOrEqual(heard + 1)
  })

  test('made ten times at once takes effect once', async () => {
    const grant = await offer()
    const times = Array.from({ length: 10 }, (_, n) => payloadOf(grant, { trigger_id: `1.2.${n}` }))
    await Promise.all(times.map((payload) => send(signed(payload))))
    expect(await stepsOf(grant)).toBe(2)
  })

  test('by somebody else is acknowledged, changes nothing, and they alone are told why', async () => {
    const grant = await offer()
    expect(await send(signed(payloadOf(grant, {}, ben)))).toEqual({ status: 200, text: '' })
    await until(() => said(ben).includes(reasons['not-yours'].person), 'the refusal')
    await nothingHappened(grant)
  })

  test('by somebody the directory does not know is explained', async () => {
    const grant = await offer()
    await send(signed(payloadOf(grant, {}, dan)))
    await until(() => said(dan).includes(reasons['person-unknown'].person), 'the explanation')
    await nothingHappened(grant)
  })

  test('is carried out though its answer can’t be posted', async () => {
    const grant = await offer()
    slack.fail({ method: 'chat.postEphemeral', kind: '500', count: 100 })
    expect((await send(signed(payloadOf(grant)))).status).toBe(200)
    slack.mend()
    expect(await stepsOf(grant)).toBe(2)
  })
})

describe('A click has no effect', () => {
  test.each<[string, (it: SignedRequest) => Record<string, string>]>([
    ['unsigned', ({ headers }) => ({ 'content-type': headers['content-type'] ?? '' })],
    ['without a time', ({ headers: { 'x-slack-request-timestamp': _, ...rest } }) => rest],
    ['with the signature of another body', () => ({ ...signed({ type: 'block_actions' }).headers })],
  ])('%s', async (_, headers) => {
    const grant = await offer()
    const request = signed(payloadOf(grant))
    expect((await send({ ...request, headers: headers(request) })).status).toBe(401)
    await nothingHappened(grant)
  })

  test.each<[string, number, string]>([
    ['five minutes and a second old', -301_000, secret],
    ['five minutes and a second in the future', 301_000, secret],
    ['a year in the future', 365 * 24 * hour, secret],
    ['signed with another secret', 0, 'another-secret-altogether'],
    ['signed with no secret', 0, ''],
    ['signed with both secrets as one', 0, `${secret},${olderSigning}`],
  ])('%s', async (_, drift, by) => {
    const grant = await offer()
    expect((await send(signed(payloadOf(grant), noon + drift, by))).status).toBe(401)
    await nothingHappened(grant)
  })

  const odd: readonly [string, (grant: Grant) => unknown][] = [
    ['with two actions', (it) => payloadOf(it, { actions: [buttonOf(it, 'take'), buttonOf(it, 'take')] })],
    [
      'with another action before ours',
      (it) => payloadOf(it, { actions: [{ type: 'button', action_id: 'x' }, buttonOf(it, 'take')] }),
    ],
    ['with no action', (it) => payloadOf(it, { actions: [] })],
    ['with actions that are null', (it) => payloadOf(it, { actions: null })],
    [
      'with an unknown action_id',
      (it) => payloadOf(it, { actions: [{ ...buttonOf(it, 'take'), action_id: 'take-all' }] }),
    ],
    [
      'with an action_id of every object',
      (it) => payloadOf(it, { actions: [{ ...buttonOf(it, 'take'), action_id: 'constructor' }] }),
    ],
    ['without a value', (it) => payloadOf(it, { actions: [{ ...buttonOf(it, 'take'), value: undefined }] })],
    [
      'with a value of 40 kB',
      (it) => payloadOf(it, { actions: [{ ...buttonOf(it, 'take'), value: 'x'.repeat(40_000) }] }),
    ],
    [
      'with 40 kB behind its value',
      (it) =>
        payloadOf(it, {
          actions: [
            { ...buttonOf(it, 'take'), value: `${buttonValue(it, 'take', known(ana))}${' '.repeat(40_000)}` },
          ],
        }),
    ],
    [
      'with another grant’s value',
      (it) =>
        payloadOf(it, {
          actions: [
            {
              ...buttonOf(it, 'take'),
              value: buttonValue({ ...it, nonce: 'm'.repeat(22) }, 'take', known(ana)),
            },
          ],
        }),
    ],
    [
      'with the value that was sent to somebody else',
      (it) => payloadOf(it, { actions: [buttonOf(it, 'take', ben)] }),
    ],
    [
      'with the value that was sent to somebody else',
      (it) => payloadOf(it, { actions: [buttonOf(it, 'take', ben)] }),
    ],
    [
      'with another action’s value',
      (it) =>
        payloadOf(it, {
          actions: [{ ...buttonOf(it, 'take'), value: buttonValue(it, 'decline', known(ana)) }],
        }),
    ],
    ['without a user', (it) => payloadOf(it, { user: undefined })],
    [
      'of a user of another workspace with the same id',
      (it) => payloadOf(it, { user: { id: ana.slack.user, team_id: 'T0ELSEWHERE' } }),
    ],
    [
      'in another workspace',
      (it) => payloadOf(it, { user: { id: ana.slack.user }, team: { id: 'T0ELSEWHERE' } }),
    ],
    [
      'as a submitted view',
      (it) => ({
        ...payloadOf(it),
        type: 'view_submission',
        view: {
          id: 'V1',
          callback_id: 'take',
          private_metadata: buttonValue(it, 'take', known(ana)),
          state: { values: {} },
        },
      }),
    ],
    [
      'as a closed view',
      (it) => ({ ...payloadOf(it), type: 'view_closed', view: { id: 'V1', callback_id: 'take' } }),
    ],
    ['as a shortcut', (it) => ({ ...payloadOf(it), type: 'shortcut', callback_id: 'take' })],
    [
      'as a request for options',
      (it) => ({
        ...payloadOf(it),
        type: 'block_suggestion',
        action_id: 'take',
        block_id: 'decide',
        value: 'x',
      }),
    ],
    ['of no kind', (it) => payloadOf(it, { type: undefined })],
    [
      'as a legacy attachment’s button',
      (it) => ({ ...payloadOf(it), type: 'interactive_message', callback_id: 'decide' }),
    ],
    ['as a list', (it) => [payloadOf(it)]],
    ['as a text', () => '"block_actions"'],
    ['as broken JSON', (it) => JSON.stringify(payloadOf(it)).slice(0, -5)],
    ['as JSON in JSON', (it) => JSON.stringify(JSON.stringify(payloadOf(it)))],
  ]
  test.each(odd)('%s: it is acknowledged or refused, and the bot goes on', async (_, payload) => {
    const grant = await offer()
    const { status, text } = await send(signed(payload(grant)))
    expect([200, 400, 404, 503]).toContain(status)
    expect(text).toBe('')
    await nothingHappened(grant)
  })

  test('as JSON instead of a form', async () => {
    const grant = await offer()
    const body = JSON.stringify({ payload: payloadOf(grant) })
    const { headers } = signedForm(secret, noon, {})
    expect((await send({ body, headers: { ...headers, 'content-type': 'application/json' } })).status).toBe(
      401,
    )
    await nothingHappened(grant)
  })
})

describe('However large it is', () => {
  test('a click of 40 kB takes effect', async () => {
    const grant = await offer()
    const message = { text: 'x'.repeat(40_000), blocks: [] }
    expect((await send(signed(payloadOf(grant, { message })))).status).toBe(200)
    expect(await stepsOf(grant)).toBe(2)
  })
})

test('The log of all this holds no signing secret, no token, and no button', () => {
  const lines = JSON.stringify(log.lines())
  expect(log.lines().some(({ msg }) => msg === 'a click was refused')).toBe(true)
  expect(lines).not.toContain(secret)
  expect(lines).not.toContain('xoxb-')
  expect(lines).not.toContain('n'.repeat(22))
  for (let n = 1; n <= number; n += 1) {
    const [, proof = ''] = buttonValue(aGrant({ id: nthId(n) }), 'take', known(ana)).split('.')
    expect(lines).not.toContain(proof)
  }
})
