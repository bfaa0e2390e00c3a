import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { type ButtonAction, buttonActions, buttonValue } from '#access/domain/button.ts'
import { isFault } from '#access/domain/errors.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Principal } from '#access/domain/principal.ts'
import { approvalMessage } from '#access/messages/approval-message.ts'
import { liveMessage } from '#access/messages/live-message.ts'
import { listen } from '#access/runtime/listen.ts'
import { readBotConfig } from '#bot/config.ts'
import { people } from '#infra/sandbox/people.ts'
import { outsiders } from '#infra/sandbox/slack/members.ts'
import { slackSignature } from '#infra/sandbox/slack/signed-request.ts'
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
import { hour, pageWhy, until } from '../builders.ts'

/**
 * Whoever reaches the bot's address, or may click and write in Slack, tries to get a pass, to decide on one, or to have
 * the bot say or call something, that their account does not give them.
 */

let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 45, {
    people: [
      ...usualPeople.filter(({ subject }) => subject !== cho.subject),
      known('cho', { groups: ['team-payments', 'sre'] }),
      known('ben', gone),
      known('ben', elsewhere),
    ],
  })
})
afterAll(() => bot.stop())

const { ana, ben, cho, dan, eve } = people
/** A member of sre whom the directory calls inactive. */
const gone = {
  subject: 'idp-fin',
  name: 'Fin Gone',
  active: false,
  slack: { team: 'T0SANDBOX', user: 'U0FIN00001' },
  pagerduty: { account: 'sandbox', user: 'PUFIN01' },
}
/** A member of sre who is known by their account in another workspace. */
const elsewhere = {
  subject: 'idp-zoe',
  name: 'Zoe Sre',
  slack: { team: 'T0PARTNER', user: 'U0ZOE00001' },
  pagerduty: { account: 'sandbox', user: 'PUZOE01' },
}
const fin = { ...ben, name: 'fin', slack: gone.slack }

const bens = { issuer: 'http://127.0.0.1:7074', subject: 'idp-ben', name: 'Ben Okafor' }
const anas = { issuer: 'http://127.0.0.1:7074', subject: 'idp-ana', name: 'Ana Lopes' }
const eves = { issuer: 'http://127.0.0.1:7074', subject: 'idp-eve', name: 'Eve Stone' }
/** What the button of a message to somebody carries. */
const sentTo = (to: Principal, grant: Grant, action: ButtonAction = 'approve'): string =>
  buttonValue(grant, action, to)
/** Cho, who is of sre too, has asked for what sre decides on. */
const pending = (changes: Partial<Grant> = {}): Promise<Grant> =>
  bot.give({
    who: { ...anas, subject: 'idp-cho', name: 'Cho Park' },
    state: 'pending',
    step: 'asked',
    tier: 'admin',
    approvers: { from: ['sre'], count: 1 },
    until: bot.clock.now() + hour,
    ...changes,
  })
const active = (changes: Partial<Grant> = {}): Promise<Grant> => bot.give({ who: anas, ...changes })
const offered = (): Promise<Grant> => active({ state: 'offered', step: 'offered', why: pageWhy() })

const grantForm = () => bot.commandForm(ana, 'grant orders-svc 1h')

test('What these tests forge is carried out when it is not forged', async () => {
  expect(await bot.command(ana, 'grant payments-svc 1h')).toMatch(/^You have a pass/)
  const asked = await pending()
  await bot.click(ben, 'approve', asked)
  expect(await bot.grant(asked.id)).toMatchObject({ state: 'active', step: 'approved' })
  await expectGoodCommand(bot)
})

describe('Without Slack’s signature', () => {
  /** Anybody on the internet posts a command in Ana’s name to the bot’s address. */
  test.each<[string, string, (body: string) => Record<string, string>]>([
    ['none at all', 'no signature', () => ({ 'x-slack-signature': '' })],
    ['half of it', 'no signature', (body) => ({ 'x-slack-signature': sign(body).slice(0, 30) })],
    ['with something behind it', 'no signature', (body) => ({ 'x-slack-signature': `${sign(body)}=` })],
    ['two of them', 'no signature', (body) => ({ 'x-slack-signature': `${sign(body)},${sign(body)}` })],
    [
      'of another version',
      'no signature',
      (body) => ({ 'x-slack-signature': sign(body).replace('v0', 'v1') }),
    ],
    ['of PagerDuty’s secret', 'signature', (body) => ({ 'x-slack-signature': sign(body, secrets.webhook) })],
    ['of an empty secret', 'signature', (body) => ({ 'x-slack-signature': sign(body, '') })],
    [
      'of both secrets as one, with their comma',
      'signature',
      (body) => ({ 'x-slack-signature': sign(body, `${secrets.signing},${secrets.olderSigning}`) }),
    ],
    ['of another body', 'signature', () => ({ 'x-slack-signature': sign(grantForm()) })],
    ['of zeros', 'signature', () => ({ 'x-slack-signature': `v0=${'0'.repeat(64)}` })],
    ['no time', 'signature', () => ({ 'x-slack-request-timestamp': '' })],
    ['a time that is none', 'signature', () => ({ 'x-slack-request-timestamp': 'NaN' })],
    ['another time', 'signature', () => ({ 'x-slack-request-timestamp': `${seconds() - 1}` })],
  ])('%s', async (_, reason, headers) => {
    const { status } = await expectNothing(bot, reason, () => {
      const body = grantForm()
      return bot.sendSlack(bot.signed(body, { headers: headers(body) }))
    })
    expect(status).toBe(401)
  })

  /** Bolt answers `ssl_check` before it looks at a signature: a command is hidden behind one. */
  test.each(['ssl_check=1&', '&ssl_check=1', 'ssl_check=1&payload=%7B%7D&'])(
    'a check of the certificate: %s',
    async (more) => {
      await expectNothing(bot, 'no signature', async () => {
        const body = more.startsWith('&') ? grantForm() + more : more + grantForm()
        const unsigned = await bot.sendSlack({ body, headers: { 'content-type': formType } })
        expect(unsigned.status).toBe(401)
      })
      await expectNothing(bot, undefined, async () => {
        const body = more.replace('payload=%7B%7D&', '').startsWith('&')
          ? grantForm() + more
          : more + grantForm()
        const signed = await bot.sendSlack(bot.signed(body.replace('payload=%7B%7D&', '')))
        expect(signed).toEqual({ status: 200, text: '' })
      })
    },
  )

  /** The command goes to the address that expects another vendor’s signature. */
  test('at PagerDuty’s address, and PagerDuty’s at Slack’s', async () => {
    await expectNothing(bot, 'signature', async () => {
      const { body, headers } = bot.signed(grantForm())
      expect((await bot.sendWebhook(body, headers)).status).toBe(202)
      const webhook = { 'x-pagerduty-signature': `v1=${'0'.repeat(64)}` }
      expect((await bot.sendSlack({ body, headers: webhook })).status).toBe(401)
    })
  })

  test.each(['GET', 'PUT', 'HEAD', 'OPTIONS'])('by %s', async (method) => {
    await expectNothing(bot, undefined, async () => {
      const { headers } = bot.signed('')
      const { status } = await fetch(`${bot.address}/slack/events?${grantForm()}`, { method, headers })
      expect(status).toBe(405)
    })
  })
})

describe('A signature that was good once', () => {
  /** Somebody who read a request on its way (a log, a proxy) keeps it for later, or has it signed ahead. */
  test.each([
    ['five minutes and a second old', -301_000],
    ['a day old', -86_400_000],
    ['five minutes and a second ahead', 301_000],
    ['a year ahead', 365 * 86_400_000],
  ])('%s', async (_, drift) => {
    await expectNothing(bot, drift < 0 ? 'signature' : 'outside the time window', () =>
      bot.sendSlack(bot.signed(grantForm(), { at: bot.clock.now() + drift })),
    )
  })

  test.each<[string, Record<string, string>]>([
    ['as it was', {}],
    ['as a retry', { 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' }],
    ['with another content type', { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' }],
    ['as JSON', { 'content-type': 'application/json' }],
  ])('is replayed %s', async (_, headers) => {
    const request = bot.signed(bot.commandForm(eve, 'grant orders-svc 1h'))
    await bot.sendSlack(request)
    const reason = headers['content-type'] === 'application/json' ? 'shape' : 'replayed'
    await expectNothing(bot, reason, () =>
      bot.sendSlack({ ...request, headers: { ...request.headers, ...headers } }),
    )
  })

  /** The window is ten minutes wide for a request that was signed ahead: it must be remembered for as long. */
  test('is replayed at the very end of its window', async () => {
    bot.startOver()
    const start = bot.clock.now()
    const request = bot.signed(bot.commandForm(eve, 'list'), { at: start + 300_000 })
    expect((await bot.sendSlack(request)).status).toBe(200)
    const remembered = await bot.redis.ttl(names.seen(`slack:${request.headers['x-slack-signature']}`))
    expect(remembered).toBeGreaterThan(600)
    bot.clock.set(start + 540_000)
    await expectNothing(bot, 'replayed', () => bot.sendSlack(request))
  })

  test('is replayed by twenty at once', async () => {
    await bot.command(eve, 'list')
    const before = (await bot.live()).length
    const request = bot.signed(bot.commandForm(ben, 'grant orders-svc 37m'))
    const answers = await Promise.all(Array.from({ length: 20 }, () => bot.sendSlack(request)))
    expect(answers.filter(({ text }) => text !== '')).toHaveLength(1)
    expect(await bot.live()).toHaveLength(before + 1)
    await expectGoodCommand(bot)
  })
})

test.each(['', ' ', ',', 'short', `${secrets.signing},`, `,${secrets.signing}`])(
  'An empty or weak secret (“%s”) does not start a bot that anybody could sign for',
  (SLACK_SIGNING_SECRET) => {
    let thrown: unknown
    try {
      readBotConfig(botEnvironment(bot.redisUrl, { SLACK_SIGNING_SECRET }))
    } catch (error) {
      thrown = error
    }
    expect(isFault(thrown, 'config/invalid')).toBe(true)
    expect(String(thrown)).toContain('SLACK_SIGNING_SECRET')
    expect(String(thrown)).not.toContain(secrets.signing)
  },
)

describe('A click by somebody who may not', () => {
  /** The card of a request stands in a channel that more people see than may decide. */
  test.each([
    ['a colleague who is no approver', ana, 'not-approver'],
    ['somebody without any group', eve, 'not-approver'],
    ['whoever asked', cho, 'own-request'],
    ['somebody whom the directory does not have', dan, 'person-unknown'],
    ['somebody whom the directory calls inactive', fin, 'person-inactive'],
    ['a guest', outsiders.gus, 'person-unknown'],
    ['a guest of a single channel', outsiders.una, 'person-unknown'],
    ['a deactivated user', outsiders.ida, 'person-unknown'],
    ['a bot', outsiders.otto, 'person-unknown'],
    ['a person of another workspace, in a shared channel', outsiders.sam, 'person-unknown'],
    ['a stranger', outsiders.tia, 'person-unknown'],
  ])('by %s', async (_, who, reason) => {
    const grant = await pending()
    for (const action of ['approve', 'deny'] as const)
      await expectNothing(bot, reason, () => bot.click(who, action, grant))
  })

  test.each(['extend', 'keep', 'take', 'decline'] as const)('%s on somebody else’s', async (action) => {
    const grant = await active()
    await expectNothing(bot, 'not-yours', () => bot.click(ben, action, grant))
  })

  /** What was decided stays decided, whoever clicks what on an old card. */
  test.each(['approved', 'denied', 'withdrawn', 'lapsed'] as const)('on what is %s', async (how) => {
    const grant = await pending()
    if (how === 'approved') await bot.click(ben, 'approve', grant)
    if (how === 'denied') await bot.click(ben, 'deny', grant)
    if (how === 'withdrawn') await bot.command(cho, `revoke ${grant.id}`)
    if (how === 'lapsed') bot.clock.set(grant.until)
    else bot.clock.set(bot.clock.now() + 5_000)
    for (const action of ['approve', 'deny'] as const)
      await expectNothing(bot, 'already-decided', () => bot.click(ben, action, grant))
    for (const action of ['take', 'decline', 'extend', 'keep'] as const)
      await expectNothing(bot, undefined, () => bot.click(ben, action, grant))
  })
})

describe('The workspace of whoever clicks', () => {
  /** In a shared channel the payload names two workspaces, and a user id of one of them. */
  const teams: [string, object][] = [
    ['another, while the app’s is ours', { user: { id: ben.slack.user, team_id: 'T0ELSEWHERE' } }],
    [
      'another, and so is the app’s',
      { user: { id: ben.slack.user, team_id: 'T0ELSEWHERE' }, team: { id: 'T0ELSEWHERE' } },
    ],
    ['unnamed, and the app’s is another', { user: { id: ben.slack.user }, team: { id: 'T0ELSEWHERE' } }],
    ['unnamed, and so is the app’s', { user: { id: ben.slack.user }, team: null }],
    ['empty', { user: { id: ben.slack.user, team_id: '' } }],
    [
      'an organisation’s id',
      {
        user: { id: ben.slack.user, team_id: 'E0SANDBOX' },
        team: null,
        enterprise: { id: 'E0SANDBOX' },
        is_enterprise_install: true,
      },
    ],
    [
      'ours, only in fields of Enterprise Grid',
      {
        user: {
          id: ben.slack.user,
          team_id: 'T0ELSEWHERE',
          enterprise_user: { id: ben.slack.user, teams: ['T0SANDBOX'] },
        },
      },
    ],
    [
      'ours, with the user of another after a space',
      { user: { id: `${ben.slack.user} x`, team_id: 'T0SANDBOX' } },
    ],
    ['cut so that both together are ours', { user: { id: `SANDBOX ${ben.slack.user}`, team_id: 'T0' } }],
    ['that of a namesake’s account', { user: { id: elsewhere.slack.user, team_id: 'T0SANDBOX' } }],
  ]
  test.each(teams)('%s', async (_, changes) => {
    const grant = await pending()
    await expectNothing(bot, 'person-unknown', () =>
      bot.sendPayload(bot.clickPayload(ben, 'approve', sentTo(bens, grant), changes)),
    )
  })

  test.each<[string, object]>([
    ['a list', { user: { id: ben.slack.user, team_id: ['T0SANDBOX'] } }],
    ['an object', { user: { id: ben.slack.user, team_id: { toString: 'T0SANDBOX' } } }],
    ['null', { user: { id: ben.slack.user, team_id: null } }],
    ['a user’s id in a list', { user: { id: [ben.slack.user], team_id: 'T0SANDBOX' } }],
  ])('that is %s', async (_, changes) => {
    const grant = await pending()
    await expectNothing(bot, 'button-unknown', () =>
      bot.sendPayload(bot.clickPayload(ben, 'approve', sentTo(bens, grant), changes)),
    )
  })

  /** A command’s form names the workspace beside the user, and may name others. */
  test.each<[string, Record<string, string>]>([
    ['another', { team_id: 'T0ELSEWHERE' }],
    ['none', { team_id: '' }],
    ['an organisation', { team_id: 'E0SANDBOX', enterprise_id: 'T0SANDBOX', is_enterprise_install: 'true' }],
    [
      'ours in another field',
      { team_id: 'T0ELSEWHERE', user_team_id: 'T0SANDBOX', context_team_id: 'T0SANDBOX' },
    ],
    ['that of another’s user', { team_id: 'T0PARTNER' }],
  ])('in a command: %s', async (_, changes) => {
    await expectNothing(bot, 'person-unknown', () =>
      bot.sendSlack(bot.signed(bot.commandForm(ana, 'grant orders-svc 1h', changes))),
    )
  })

  /** Known by an account of another workspace, one clicks as oneself, and as nobody of ours. */
  test('whoever is known by an account elsewhere decides by it alone', async () => {
    const grant = await pending()
    const zoe = { ...ben, name: 'zoe', slack: elsewhere.slack }
    await bot.click(zoe, 'approve', grant)
    expect(await bot.grant(grant.id)).toMatchObject({ approvals: [{ subject: 'idp-zoe' }] })
    await expectGoodCommand(bot)
  })
})

describe('A forged button', () => {
  /** Whoever can make Slack send a click (a modified client, another message) puts other things into the button. */
  const forgeries: [string, (grant: Grant, other: Grant) => unknown][] = [
    ['another action’s value', (grant) => sentTo(bens, grant, 'deny')],
    ['another grant’s value', (_, other) => sentTo(bens, other)],
    ['another grant’s id before this value', (grant, other) => `${other.id}${sentTo(bens, grant).slice(14)}`],
    ['cut short', (grant) => sentTo(bens, grant).slice(0, -1)],
    ['padded', (grant) => `${sentTo(bens, grant)}=`],
    ['with a line break behind it', (grant) => `${sentTo(bens, grant)}\n`],
    ['with white space before it', (grant) => ` ${sentTo(bens, grant)}`],
    ['in capitals', (grant) => sentTo(bens, grant).toUpperCase()],
    ['the id alone', (grant) => grant.id],
    ['the id and the nonce of nothing', (grant) => `${grant.id}.${'A'.repeat(43)}`],
    ['the id and its nonce', (grant) => `${grant.id}.${grant.nonce}`],
    ['empty', () => ''],
    ['a list', (grant) => [sentTo(bens, grant)]],
    ['an object', (grant) => ({ value: sentTo(bens, grant) })],
    ['null', () => null],
    ['a number', () => 7],
    ['a property that every object has', () => '__proto__'],
    ['100 kB', (grant) => sentTo(bens, grant).padEnd(100_000, 'A')],
    ['100 kB of dots', () => '.'.repeat(100_000)],
  ]
  test.each(forgeries)('whose value is %s', async (_, value) => {
    const other = await pending({ who: bens })
    const grant = await pending()
    const forged = value(grant, other)
    // Another grant’s own value is that grant’s button, and Ben’s own request is not his to decide.
    const reason = forged === sentTo(bens, other) ? 'own-request' : 'button-unknown'
    await expectNothing(bot, reason, () => bot.sendPayload(bot.clickPayload(ben, 'approve', forged)))
  })

  /**
   * An approver who also holds the signing secret was sent a button of their own. They sign a click on it in the name of
   * each other approver, so that what takes two is decided by one.
   */
  test.each([
    ['Zoe', { ...ben, name: 'zoe', slack: elsewhere.slack }],
    ['Ana', ana],
    ['Eve', eve],
  ])('that was sent to somebody else, clicked as %s', async (_, who) => {
    const grant = await pending({ approvers: { from: ['sre'], count: 2 } })
    for (const action of ['approve', 'deny'] as const)
      await expectNothing(bot, 'button-unknown', () =>
        bot.sendPayload(bot.clickPayload(who, action, sentTo(bens, grant, action))),
      )
    expect(bot.lines()).toContainEqual(
      expect.objectContaining({ msg: 'a click was refused', user: who.slack.user, grant: grant.id }),
    )
    await bot.click(ben, 'approve', grant)
    expect(await bot.grant(grant.id)).toMatchObject({
      state: 'pending',
      approvals: [{ subject: bens.subject }],
    })
  })

  test.each(['take', 'decline', 'extend', 'keep'] as const)(
    'that was sent to an approver, clicked as the one whose pass it is: %s',
    async (action) => {
      const grant = action === 'take' || action === 'decline' ? await offered() : await active()
      await expectNothing(bot, 'button-unknown', () =>
        bot.sendPayload(bot.clickPayload(ana, action, sentTo(bens, grant, action))),
      )
    },
  )

  test.each([
    'Approve',
    'approve ',
    'revoke',
    'grant',
    '__proto__',
    'constructor',
    'toString',
    '',
    'a'.repeat(100_000),
  ])('whose action is not ours (%#)', async (action) => {
    const grant = await pending()
    await expectNothing(bot, 'button-unknown', () =>
      bot.sendPayload(bot.clickPayload(ben, action, sentTo(bens, grant))),
    )
  })

  test('of every action with every other action’s value', async () => {
    const grant = await pending()
    for (const action of buttonActions)
      for (const other of buttonActions.filter((one) => one !== action))
        await expectNothing(bot, 'button-unknown', () =>
          bot.sendPayload(bot.clickPayload(ben, action, sentTo(bens, grant, other))),
        )
  })

  test.each<[string, (button: object) => object]>([
    ['two of them in one payload', (button) => ({ actions: [button, button] })],
    ['a good one behind another', (button) => ({ actions: [{ ...button, action_id: 'deny' }, button] })],
    ['none', () => ({ actions: [] })],
    ['not a list', (button) => ({ actions: { 0: button, length: 1 } })],
    ['in a select', (button) => ({ actions: [{ ...button, type: 'static_select' }] })],
    ['a value inherited', (button) => ({ actions: [{ ...button, value: undefined, __proto__: button }] })],
    ['in another kind of payload', () => ({ type: 'interactive_message' })],
    [
      'in a modal that was sent',
      () => ({
        type: 'view_submission',
        view: { callback_id: 'grant', private_metadata: '{}', state: { values: {} } },
      }),
    ],
    ['without a user', () => ({ user: undefined })],
  ])('%s', async (_, changes) => {
    const grant = await pending()
    const payload = bot.clickPayload(ben, 'approve', sentTo(bens, grant))
    await expectNothing(bot, undefined, () =>
      bot.sendPayload({ ...payload, ...changes(payload.actions[0] ?? {}) }),
    )
  })

  /** No modal of ours is open to anybody: what its hidden field says about grants is nobody’s. */
  test.each([
    '{"grant":"0000-0000-0001","action":"approve"}',
    '{"__proto__":{"active":true}}',
    'x'.repeat(100_000),
    '',
  ])('in the hidden field of a modal (%#)', async (private_metadata) => {
    await expectNothing(bot, 'nobody listens', () =>
      bot.sendPayload({
        ...bot.clickPayload(ben, 'approve', ''),
        actions: undefined,
        type: 'view_submission',
        view: { id: 'V1', callback_id: 'approve', private_metadata, state: { values: {} } },
      }),
    )
  })
})

describe('A payload that can be read in more than one way', () => {
  /** The same key twice: what one reader checks another one overlooks. JSON’s last one counts, for all of us alike. */
  test('names the user twice: the last one counts, and is nobody who may', async () => {
    const grant = await pending()
    for (const [to, reason] of [
      [bens, 'button-unknown'],
      [eves, 'not-approver'],
    ] as const) {
      const text = JSON.stringify(bot.clickPayload(ben, 'approve', sentTo(to, grant)))
      const doubled = text
        .replace(/^\{/, `{"user":{"id":"${ben.slack.user}","team_id":"T0SANDBOX"},`)
        .replace(/"user":\{"id":"U0BEN00001","username"/, '"user":{"id":"U0EVE00001","username"')
      expect(doubled.match(/"user":/g)).toHaveLength(2)
      await expectNothing(bot, reason, () => bot.sendPayload(doubled))
    }
  })

  test('names two payloads: one of them counts, whole', async () => {
    const grant = await pending()
    const good = JSON.stringify(bot.clickPayload(ben, 'approve', sentTo(bens, grant)))
    const bad = JSON.stringify(bot.clickPayload(eve, 'approve', sentTo(eves, grant)))
    const body = `payload=${encodeURIComponent(bad)}&payload=${encodeURIComponent(good)}`
    await expectNothing(bot, 'not-approver', () => bot.sendSlack(bot.signed(body)))
  })

  test('names a payload and a command: the command is not run', async () => {
    const body = `${grantForm()}&payload=${encodeURIComponent('{"type":"block_actions"}')}`
    await expectNothing(bot, 'nobody listens', () => bot.sendSlack(bot.signed(body)))
  })

  test.each<[string, string]>([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"block_actions"'],
    ['deep', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ])('%s', async (_, payload) => {
    const { status } = await expectNothing(bot, 'shape', () => bot.sendPayload(payload))
    expect(status).toBe(400)
  })

  test.each<[string, string]>([
    ['empty', '{}'],
    ['without actions', '{"type":"block_actions"}'],
    [
      'with inherited fields',
      '{"__proto__":{"type":"block_actions"},"constructor":{"prototype":{"active":true}}}',
    ],
  ])('%s, so nobody listens', async (_, payload) => {
    await expectNothing(bot, 'nobody listens', () => bot.sendPayload(payload))
    expect({}).not.toHaveProperty('active')
  })

  const unhandled = 'a message from Slack could not be handled'
  test.each<[string, string, object]>([
    ['actions that are null', unhandled, { type: 'block_actions', actions: null }],
    ['actions that are a text', 'nobody listens', { actions: 'approve', user: { id: 'U0' } }],
    [
      'an action that is null',
      'nobody listens',
      { type: 'block_actions', actions: [null], user: { id: 'U0' } },
    ],
    ['no user', unhandled, { type: 'block_actions', actions: [{ type: 'button', action_id: 'approve' }] }],
    ['an event that is null', unhandled, { event: null }],
    ['a command that is a list', 'nobody listens', { command: ['/access'], text: ['grant'] }],
    [
      'a command without text',
      'person-unknown',
      { command: '/access', text: 'list', user_id: {}, team_id: {} },
    ],
    ['a team that every object has', unhandled, { command: '/access', text: 'list', team_id: '__proto__' }],
    ['options', 'nobody listens', { type: 'block_suggestion', name: 'approve', user: { id: 'U0' } }],
  ])('%s', async (_, reason, payload) => {
    await expectNothing(bot, reason, () => bot.sendPayload(payload))
  })

  test.each([
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/xml',
    'Application/JSON; charset=utf-7',
    '',
  ])('a form sent as “%s”', async (type) => {
    const { status } = await expectNothing(bot, 'shape', () =>
      bot.sendSlack(bot.signed(grantForm(), { type })),
    )
    expect(status).toBe(400)
  })

  test('a form sent as JSON, and JSON sent as a form', async () => {
    await expectNothing(bot, 'shape', () =>
      bot.sendSlack(bot.signed(grantForm(), { type: 'application/json' })),
    )
    await expectNothing(bot, 'nobody listens', () =>
      bot.sendSlack(bot.signed('{"command":"/access","text":"grant orders-svc 1h"}')),
    )
  })

  test('fields of a form that every object has', async () => {
    await expectNothing(bot, 'person-unknown', () =>
      bot.sendSlack(
        bot.signed(
          `${bot.commandForm(dan, 'grant orders-svc 1h')}&__proto__=x&constructor=y&hasOwnProperty=z`,
        ),
      ),
    )
  })
})

describe('What the bot calls and says', () => {
  /** Whoever signs or alters a payload points its `response_url` at a host inside, and the bot would call it. */
  test('nothing is sent to a response_url, wherever it points', async () => {
    const called: string[] = []
    const trap = await listen(
      createServer((request, response) => {
        called.push(request.url ?? '')
        response.end()
      }),
      { host: '127.0.0.1', port: 0 },
    )
    const response_url = `http://127.0.0.1:${trap.port}/latest/meta-data`
    const grant = await pending()
    await expectNothing(bot, 'not-approver', () =>
      bot.sendPayload(
        bot.clickPayload(eve, 'approve', sentTo(eves, grant), {
          response_url,
          response_urls: [{ response_url }],
        }),
      ),
    )
    await bot.sendSlack(bot.signed(bot.commandForm(ana, 'list', { response_url })))
    await bot.sendPayload(bot.clickPayload(ben, 'approve', sentTo(bens, grant), { response_url }))
    expect(await bot.grant(grant.id)).toMatchObject({ state: 'active' })
    expect(called).toEqual([])
    await trap.close()
  })

  /** The channel of a click is the clicker’s word. What is answered there only they may see. */
  test('an answer is seen by nobody but who clicked, whatever channel they name', async () => {
    const grant = await pending()
    const before = bot.saidTo(cho).length
    const channel = { id: 'D0CHO00001', name: 'directmessage' }
    await expectNothing(bot, 'not-approver', () =>
      bot.sendPayload(bot.clickPayload(eve, 'approve', sentTo(eves, grant), { channel })),
    )
    expect(bot.saidTo(cho)).toHaveLength(before)
  })

  test('to a stranger of another workspace nothing is said', async () => {
    const grant = await pending()
    await expectNothing(bot, 'person-unknown', () => bot.click(outsiders.sam, 'approve', grant))
    expect(bot.saidTo(outsiders.sam)).toEqual([])
  })

  /** A reason is read by those who approve, in a channel: it must not call them all, nor pass for another text. */
  test.each<[string, string]>([
    ['calls everybody', '<!channel> <!here> <!everyone> <@U0BEN00001> <#C0GENERAL0>'],
    ['is a link', '<https://evil.example|Approve here>'],
    ['is bold, code and a quote', '*Approved* `code` ```block``` >>> quote'],
    ['turns the reading around', 'ok \u202e\u2066drop\u2069 \u200f done'],
    ['breaks the line', 'one\n*Ana* has a pass\r\nthree\u2028four'],
    ['is an entity already', '&lt;!channel&gt; &amp;lt;!channel&amp;gt;'],
  ])('a reason that %s', async (_, reason) => {
    const answer = await bot.command(ana, `grant orders-svc 9h operate because ${reason}`)
    const unreadable = await bot.command(ana, `${reason} grant`)
    const hinted = await bot.command(ana, `grant orders-svcc ${reason}`)
    const grant = await pending({ why: { kind: 'request', rule: 'on_request[1]', reason } })
    const { text: card, blocks } = approvalMessage(grant, undefined, bens)
    expect(JSON.stringify(blocks)).toContain('"verbatim":true')
    const cards = [card, liveMessage([{ grant }]).text].map((text) =>
      text.replaceAll(/<!date\^[^>]*>|\n/g, ''),
    )
    for (const text of [answer, unreadable, hinted, ...cards]) {
      expect(text).not.toMatch(/<[!@#h]/)
      expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029\r]/)
      expect(text.length).toBeLessThan(3_000)
    }
    await expectGoodCommand(bot)
  })

  test('a reason of 40 kB is refused', async () => {
    const answer = await expectNothing(bot, undefined, () =>
      bot.command(ana, `grant orders-svc 1h operate because ${'ä<!channel>'.repeat(4_000)}`),
    )
    expect(answer).toContain('at most 500 characters')
    expect(answer.length).toBeLessThan(3_000)
  })

  test('a command of 40 kB of anything is answered briefly', async () => {
    for (const text of ['x'.repeat(40_000), 'grant '.repeat(7_000), `revoke ${'<!channel>'.repeat(4_000)}`]) {
      const answer = await expectNothing(bot, undefined, () => bot.command(ana, text))
      expect(answer.length).toBeLessThan(3_000)
      expect(answer).not.toContain('<!')
    }
  })

  test('nobody learns from an answer what they do not hold', async () => {
    const grant = await active({
      who: bens,
      why: { kind: 'request', rule: 'on_request[0]', reason: 'canary reason' },
    })
    for (const text of ['list', `extend ${grant.id} 1h`, `revoke ${grant.id}`, 'extend orders-svc 1h']) {
      const answer = await bot.command(eve, text)
      expect(answer).not.toMatch(/canary|Ben/)
    }
    await expectGoodCommand(bot)
  })
})

describe('Load without a secret', () => {
  test('a body larger than any of Slack’s is not kept, and the sender is told', async () => {
    const { status } = await expectNothing(bot, 'too large', () =>
      bot.sendSlack(bot.signed(`${grantForm()}&x=${'x'.repeat(1_000_000)}`)),
    )
    expect(status).toBe(413)
  })

  test('a body that stops in the middle', async () => {
    await expectNothing(bot, 'cut off', async () => {
      const client = rawClient(bot.port)
      client.send(head(`v0=${'0'.repeat(64)}`, 10_000))
      client.send('command=')
      await until(() => client.socket.bytesWritten > 0 && !client.socket.connecting, 'it to be sent')
      // Once this is answered the bot has read what came before it; a reset takes away what was not read.
      await expectGoodCommand(bot)
      client.reset()
      await expectLine('cut off')
    })
  })

  /** A thousand connections that send a byte now and then would be all that the bot takes. */
  test('a body that drips is cut off, and others are served meanwhile', async () => {
    const client = rawClient(bot.port)
    client.send(head(`v0=${'0'.repeat(64)}`, 10_000))
    const drip = setInterval(() => client.send('x'), 200)
    await expectNothing(bot, undefined, () => bot.command(ana, 'help'))
    await client.closed()
    clearInterval(drip)
    await expectLine('cut off')
    await expectGoodCommand(bot)
  }, 120_000)

  test('a head that never ends is cut off', async () => {
    const socket = connect(bot.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('POST /slack/events HTTP/1.1\r\nHost: x\r\n')
    const drip = setInterval(() => socket.write('x-a: b\r\n'), 200)
    await new Promise<void>((resolve) => socket.resume().once('close', resolve))
    clearInterval(drip)
    await expectGoodCommand(bot)
  }, 120_000)

  test('a flood is counted, not logged one by one, and asks Redis nothing', async () => {
    bot.startOver()
    const asked = await bot.commandsDuring(async () => {
      for (let round = 0; round < 20; round += 1)
        await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            bot.sendSlack(
              bot.signed(grantForm(), { headers: { 'x-slack-signature': n % 2 === 0 ? '' : sign('x') } }),
            ),
          ),
        )
    })
    expect(asked.filter((command) => command.includes('seen:'))).toEqual([])
    // What the bot asks by itself, second by second.
    expect(asked.length).toBeLessThan(1_000)
    expect(bot.lines().filter(({ msg }) => String(msg).includes('refused')).length).toBeLessThanOrEqual(21)
    await expectNothing(bot, 'no signature', () => bot.sendSlack({ body: 'x', headers: {} }))
  })
})

const formType = 'application/x-www-form-urlencoded'
const seconds = (): number => Math.floor(bot.clock.now() / 1_000)
const sign = (body: string, secret: string = secrets.signing): string =>
  slackSignature(secret, seconds(), body)
const head = (signature: string, length: number): string =>
  [
    'POST /slack/events HTTP/1.1',
    'Host: bot',
    `Content-Type: ${formType}`,
    `X-Slack-Request-Timestamp: ${seconds()}`,
    `X-Slack-Signature: ${signature}`,
    `Content-Length: ${length}`,
    '',
    '',
  ].join('\r\n')
const expectLine = async (reason: string): Promise<void> => {
  await expect.poll(() => bot.lines().map((line) => line['reason']), { timeout: 30_000 }).toContain(reason)
}
