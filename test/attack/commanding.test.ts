import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { buttonValue } from '#access/domain/button.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reasons } from '#access/domain/reasons.ts'
import { scopeHash } from '#access/domain/scope.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { people } from '#infra/sandbox/people.ts'
import { type Member, outsiders } from '#infra/sandbox/slack/members.ts'
import { expectRefused } from '../builders/attack.ts'
import { type BotUnderTest, expectNothing, known, startBotForTest, usualPeople } from '../builders/bot.ts'
import { type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { hour, rulesOf, rulesText } from '../builders.ts'

/**
 * Whoever commands an incident, or pretends to, tries to give themself a pass, to give others more than the rules let them
 * have, or to give anything for an incident that is none; whoever commands nothing tries to end what others were given.
 */

const { ana, ben, cho, dan, eve } = people
const rules = rulesOf(
  `${rulesText.replace('people: ', 'people:\n  commanders: { subjects: [idp-ben] } #')}
incident_command: { who: [commanders], cap: operate }
`,
)
/** Ben has a second account in Slack, which the directory does not know. */
const bensOther: Member = { ...ben, name: 'ben2', slack: { ...ben.slack, user: 'U0BEN00002' } }

let bot: BotUnderTest
let incident: { readonly id: string; readonly number: number }
const at = ({ slack, name }: Member): string => `<@${slack.user}|${name}>`
const service = serviceWithId('PORDERS') ?? expect.fail('no service')
const byDatadog = { kind: 'integration', id: 'PIDATADOG', service: 'PORDERS' } as const
const given = async (): Promise<Grant[]> => (await bot.live()).filter(({ why }) => why.kind === 'command')
const anIncident = async () => {
  const triggered = bot.pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by: byDatadog })
  await bot.followed()
  return triggered
}

beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 141, { rules })
  incident = await anIncident()
})
afterAll(() => bot.stop())
beforeEach(() => bot.startOver())
afterEach(async () => {
  bot.setPeople(usualPeople)
  for (const { id } of await given()) await bot.command(cho, `revoke ${id}`)
})

describe('/access command', () => {
  test.each<[string, Member, () => string, string]>([
    ['of who commands nothing', cho, () => `command ${incident.id} ${at(ana)} orders-svc`, 'not-commander'],
    ['of a stranger', dan, () => `command ${incident.id} ${at(ana)} orders-svc`, 'person-unknown'],
    ['of a guest', outsiders.gus, () => `command ${incident.id} ${at(ana)} orders-svc`, 'person-unknown'],
    ['for oneself alone', ben, () => `command ${incident.id} ${at(ben)} orders-svc operate`, 'own-request'],
    [
      'of an incident that there is not',
      ben,
      () => `command QNOSUCH1 ${at(ana)} orders-svc`,
      'incident-unknown',
    ],
    ['of a number that no incident has', ben, () => `command 999 ${at(ana)} orders-svc`, 'incident-unknown'],
    [
      'for a tier above the cap',
      ben,
      () => `command ${incident.id} ${at(cho)} orders-svc admin`,
      'beyond-command',
    ],
    [
      'for somebody whom no rule lets have it',
      ben,
      () => `command ${incident.id} ${at(eve)} orders-svc operate`,
      'not-eligible',
    ],
    [
      'for longer than the tier',
      ben,
      () => `command ${incident.id} ${at(ana)} orders-svc operate 3h`,
      'duration-too-long',
    ],
  ])('%s gives nothing', async (_, who, text, reason) => {
    await expectNothing(bot, reason, () => bot.command(who, text()))
  })

  test.each<[string, () => string, string]>([
    [
      'a service that there is not',
      () => `command ${incident.id} ${at(ana)} orders-svc,order-svc`,
      'There is no service `order-svc`',
    ],
    [
      'a label that nothing has',
      () => `command ${incident.id} ${at(ana)} label:all`,
      'No service has the label `all`',
    ],
    ['every service', () => `command ${incident.id} ${at(ana)} *`, '“∗” is neither a service nor a label'],
    [
      'another path of PagerDuty’s API',
      () => `command ../users/PUBEN01 ${at(ana)} orders-svc`,
      'Say which incident first',
    ],
    ['a broadcast', () => `command ${incident.id} <!channel> orders-svc`, 'Say whom'],
    ['a name in place of a mention', () => `command ${incident.id} ana orders-svc`, 'Say whom'],
    [
      'no duration',
      () => `command ${incident.id} ${at(ana)} orders-svc operate -1h`,
      'no tier and no duration',
    ],
    ['two tiers', () => `command ${incident.id} ${at(ana)} orders-svc operate admin`, 'I don’t understand'],
    [
      'a reason of 501 letters',
      () => `command ${incident.id} ${at(ana)} orders-svc because ${'x'.repeat(501)}`,
      'at most 500',
    ],
    ['more people than go at once', () => `command ${incident.id} ${many(21)} orders-svc`, 'At most 20'],
    [
      'more mentions than anybody needs',
      () => `command ${incident.id} ${many(31)} orders-svc`,
      'Mention at most 30',
    ],
    ['more groups than are read', () => `command ${incident.id} ${groups(6)} orders-svc`, 'at most 5 groups'],
  ])('that names %s gives nothing', async (_, text, says) => {
    const answer = await expectNothing(bot, undefined, () => bot.command(ben, text()))
    expect(answer).toContain(says)
  })

  test('for a second account of one’s own gives nothing: nobody’s in the directory, or one’s own all the same', async () => {
    const answer = await expectNothing(bot, undefined, () =>
      bot.command(ben, `command ${incident.id} ${at(bensOther)} orders-svc operate`),
    )
    expect(answer).toContain(`not <@${bensOther.slack.user}>: that Slack account is nobody’s`)
    // The directory knows Ben by the other account: the first one may not even command any more.
    bot.setPeople([
      ...usualPeople.filter(({ subject }) => subject !== ben.subject),
      known('ben', { slack: bensOther.slack }),
    ])
    await expectNothing(bot, 'own-request', () =>
      bot.command(bensOther, `command ${incident.id} ${at(bensOther)} orders-svc operate`),
    )
    await expectNothing(bot, 'person-unknown', () =>
      bot.command(ben, `command ${incident.id} ${at(ana)} orders-svc operate`),
    )
  })

  test('with a group that holds the commander gives them nothing', async () => {
    await bot.command(
      ben,
      `command ${incident.id} <!subteam^S0RESPOND1> ${at(ben)} orders-svc,payments-svc operate`,
    )
    expect((await given()).map(({ who }) => who.subject).sort()).toEqual([ana.subject, cho.subject])
  })

  test('of an incident that is over gives nothing', async () => {
    const over = await anIncident()
    bot.pagerDuty.incidents.resolve(over.id, { kind: 'user', id: ben.pagerduty.user })
    await bot.followed()
    await expectNothing(bot, 'incident-closed', () =>
      bot.command(ben, `command ${over.id} ${at(ana)} orders-svc`),
    )
    await expectNothing(bot, 'incident-closed', () =>
      bot.command(ben, `command ${over.number} ${at(ana)} orders-svc`),
    )
  })

  test('makes nothing of a reason but text', async () => {
    const answer = await bot.command(
      ben,
      `command ${incident.id} ${at(cho)} orders-svc because <!channel> \u202e *x* <https://evil.example|ok>`,
    )
    expect(answer).not.toMatch(/<!channel>|<https|\u202e/)
    expect((await given())[0]?.why).toMatchObject({ reason: expect.stringContaining('<!channel>') })
  })

  test('is carried out once, however often the same message comes', async () => {
    const message = bot.signed(bot.commandForm(ben, `command ${incident.id} ${at(cho)} orders-svc operate`))
    await Promise.all([1, 2, 3].map(() => bot.sendSlack(message)))
    await Promise.all(
      [1, 2, 3].map(() => bot.command(ben, `command ${incident.id} ${at(cho)} orders-svc operate`)),
    )
    expect(await given()).toHaveLength(1)
  })
})

describe('The button that ends all', () => {
  const add = async (): Promise<readonly [Grant, string]> => {
    await bot.command(ben, `command ${incident.id} ${at(ana)} ${at(cho)} orders-svc operate`)
    const [first] = (await given()).sort((a, b) => (a.id < b.id ? -1 : 1))
    if (first?.why.kind !== 'command') throw new Error('nothing was given')
    return [first, buttonValue(first, 'end-all', first.why.commander)]
  }

  test('is of no use to whoever may not end them, however they come by its value', async () => {
    const [, value] = await add()
    for (const [who, reason] of [
      [eve, 'not-yours'],
      [dan, 'person-unknown'],
      [outsiders.gus, 'person-unknown'],
      [outsiders.sam, 'person-unknown'],
    ] as const)
      await expectNothing(bot, reason, () => bot.sendPayload(bot.clickPayload(who, 'end-all', value)))
    bot.setPeople([
      ...usualPeople.filter(({ subject }) => subject !== ben.subject),
      known('ben', { active: false }),
    ])
    await expectNothing(bot, 'person-inactive', () =>
      bot.sendPayload(bot.clickPayload(ben, 'end-all', value)),
    )
    expect(await given()).toHaveLength(2)
  })

  test('ends nothing by a value that it never carried', async () => {
    const [first, value] = await add()
    const others = [
      `${first.id}.${'A'.repeat(43)}`,
      value.replace(/^..../, 'zzzz'),
      `${value}.${'A'.repeat(43)}`,
      buttonValue(first, 'approve', known('ben')),
      buttonValue(first, 'end-all', known('cho')),
      first.why.kind === 'command' ? first.why.go : '',
      '*',
      '{"go":"*"}',
    ]
    for (const other of others)
      await expectNothing(bot, 'button-unknown', () =>
        bot.sendPayload(bot.clickPayload(ben, 'end-all', other)),
      )
    for (const action of ['revoke', 'end all', '__proto__'])
      await expectNothing(bot, 'button-unknown', () => bot.sendPayload(bot.clickPayload(ben, action, value)))
    await expectNothing(bot, 'button-unknown', () => bot.sendPayload(bot.clickPayload(ben, 'take', value)))
    expect(await given()).toHaveLength(2)
  })

  test('replayed when all has ended does nothing', async () => {
    const [, value] = await add()
    const click = bot.signed(
      new URLSearchParams({ payload: JSON.stringify(bot.clickPayload(ben, 'end-all', value)) }).toString(),
    )
    await bot.sendSlack(click)
    expect(await given()).toHaveLength(0)
    await expectNothing(bot, 'replayed', () => bot.sendSlack(click))
    await expectNothing(bot, 'already-decided', () =>
      bot.sendPayload(bot.clickPayload(ben, 'end-all', value)),
    )
    await expectNothing(bot, 'not-yours', () => bot.sendPayload(bot.clickPayload(eve, 'end-all', value)))
    expect(bot.saidTo(ben)).toContain(reasons['already-decided'].person)
  })

  test('does not end what somebody wrote into Redis under the same name', async () => {
    const [first, value] = await add()
    const forged = 'aaaa-aaaa-aaaa'
    const statement = await bot.redis.hget(names.live, first.id)
    await bot.redis.hset(names.live, forged, String(statement))
    await bot.sendPayload(bot.clickPayload(ben, 'end-all', value))
    expect(await bot.redis.hget(names.live, first.id)).toBeNull()
    await bot.redis.hdel(names.live, forged)
  })
})

/**
 * Whoever holds the key that issues passes writes one that names a commander: the proxy takes it only where its own rules
 * let that commander give it.
 */
describe('The proxy', () => {
  let proxy: ProxyUnderTest
  let issuer: string
  const withCommand = (text: string): string =>
    `${text.replace('people:\n', 'people:\n  commanders: { subjects: [idp-ben] }\n')}\nincident_command: { who: [commanders], cap: operate }\n`
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 143, { mend: withCommand })
    issuer = proxy.rules.identity.issuer
    await proxy.give('ana', { lasts: 2 * hour })
  })
  afterAll(() => proxy.stop())

  const named = ({ subject, fullName }: typeof ana) => ({ issuer, subject, name: fullName })
  const commanded = async (teams: readonly string[], changes: Partial<Grant> = {}, by = ben, to = cho) => {
    const what: Partial<Grant> = {
      services: ['orders-svc', 'payments-svc'],
      why: {
        kind: 'command',
        rule: 'incident_command',
        incident: { id: 'Q1', number: 7, title: 'orders are stuck' },
        commander: named(by),
        go: 'gggg-gggg-gggg',
        about: [],
      },
      ...changes,
    }
    // What is approved is the whole grant, which the proxy under test makes of this.
    const bare = await proxy.give(to.name, what)
    const approvals = [{ ...named(by), at: bare.at, teams: [...teams], scope: scopeHash(bare) }]
    return proxy.renew(bare, { step: 'moved', approvals })
  }
  const statusOf = async () =>
    (await ask(proxy.port, await proxy.request('cho', 'POST', '/v1/orders', ['Content-Length: 0']))).status

  test('admits what a commander gave, and no longer when it has ended', async () => {
    const grant = await commanded(['commanders'])
    expect(await statusOf()).toBe(200)
    await proxy.end(grant)
    expect(await statusOf()).toBe(403)
  })

  test.each<[string, () => Promise<Grant>, 'ben' | 'cho' | 'eve', string]>([
    ['by who was no commander', () => commanded(['sre']), 'cho', '/v1/orders'],
    ['above the cap', () => commanded(['commanders'], { tier: 'admin' }), 'cho', '/admin/users'],
    ['to oneself', () => commanded(['commanders'], {}, ben, ben), 'ben', '/v1/orders'],
    ['to whom no rule lets have it', () => commanded(['commanders'], {}, ben, eve), 'eve', '/v1/orders'],
    [
      'that nobody approved',
      () => commanded(['commanders'], { duration: 1 }).then((one) => proxy.renew(one, { approvals: [] })),
      'cho',
      '/v1/orders',
    ],
  ])('admits nothing %s', async (_, give, who, path) => {
    const grant = await give()
    const request = await proxy.request(who, 'POST', path, ['Content-Length: 0'])
    await expectRefused(proxy, request, { status: 403, reason: 'grant-beyond-rules' })
    await proxy.end(grant)
  })
})

const many = (count: number): string =>
  Array.from({ length: count }, (_, index) => `<@U0MANY${String(index).padStart(4, '0')}>`).join(' ')
const groups = (count: number): string =>
  Array.from({ length: count }, (_, index) => `<!subteam^S0MANY${String(index).padStart(4, '0')}>`).join(' ')
