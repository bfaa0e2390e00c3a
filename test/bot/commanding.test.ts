import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { readEnded } from '#access/adapters/redis/grant-store.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { buttonValue } from '#access/domain/button.ts'
import { mayHold } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reasons } from '#access/domain/reasons.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { people } from '#infra/sandbox/people.ts'
import type { Member } from '#infra/sandbox/slack/members.ts'
import type { Message } from '#infra/sandbox/slack/messages.ts'
import { channelNamed, dmWith } from '#infra/sandbox/slack/workspace.ts'
import { type BotUnderTest, expectNothing, known, startBotForTest, usualPeople } from '../builders/bot.ts'
import { hour, rulesOf, rulesText, serviceIn, tierIn, until } from '../builders.ts'

const { ana, ben, cho, dan, eve } = people
const rules = rulesOf(
  `${rulesText.replace('people: ', 'people:\n  commanders: { subjects: [idp-ben] }\n  security: { subjects: [idp-eve] } #')}
incident_command: { who: [commanders], cap: operate }
lock: { who: [security, sre] }
`,
)

let bot: BotUnderTest
let incident: { readonly id: string; readonly number: number }

const at = ({ slack, name }: Member): string => `<@${slack.user}|${name}>`
const responders = '<!subteam^S0RESPOND1|@responders>'
const seen = (channel = 'inc-orders'): readonly Message[] =>
  bot.slack.messagesIn(channelNamed(channel) ?? expect.fail('no channel'))
/** Messages to one place have to wait for their turn, by the clock. */
const later = (holds: () => boolean): boolean => {
  bot.clock.set(bot.clock.now() + 1_000)
  return holds()
}
const toldOf = (channel?: string): readonly Message[] =>
  seen(channel).filter(({ text }) => text.includes(`added people to incident #${incident.number} `))
/** The message of what the commander gave. */
const goMessage = async (holding: string, channel = 'inc-orders'): Promise<Message> => {
  const find = () => toldOf(channel).at(-1)
  await until(() => later(() => find()?.text.includes(holding) === true), `the message to say ${holding}`)
  return find() ?? expect.fail('no message')
}
const finsOwn = {
  subject: 'idp-fin',
  name: 'Fin Holm',
  slack: { team: 'T0SANDBOX', user: 'U0FIN00001' },
  pagerduty: { account: 'sandbox', user: 'PUFIN01' },
}
const finMember: Member = { ...ben, name: 'fin', slack: finsOwn.slack }
const dmOf = ({ slack }: Member) => dmWith(slack.user) ?? expect.fail('no direct messages')
/** What the button of the message carries. */
const buttonOf = (grants: readonly Grant[]): string => {
  const [first] = [...grants].sort((a, b) => (a.id < b.id ? -1 : 1))
  if (first?.why.kind !== 'command') throw new Error('no commander gave it')
  return buttonValue(first, 'end-all', first.why.commander)
}
const ofCommand = async (): Promise<Grant[]> => (await bot.live()).filter(({ why }) => why.kind === 'command')
const endOf = (id: string) => readEnded(bot.redis, createStatements(bot.keys.proxy), id)
const service = serviceWithId('PORDERS') ?? expect.fail('no service')
const by = { kind: 'integration', id: 'PIDATADOG', service: 'PORDERS' } as const

beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 140, { rules, workers: true })
  incident = bot.pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by })
  await bot.followed()
})
afterAll(() => bot.stop())
beforeEach(async () => {
  bot.startOver()
  if (bot.pagerDuty.incidents.find(incident.id).status !== 'resolved') return
  incident = bot.pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by })
  await bot.followed()
})
afterEach(async () => {
  bot.setPeople(usualPeople)
  for (const { id } of await ofCommand()) await bot.command(cho, `revoke ${id}`)
  expect(bot.faults).toEqual([])
})

describe('/access command', () => {
  test('adds people to several services in one go, and says so in one message of the channel, which ends it all', async () => {
    const paged = (await bot.live()).filter(({ why }) => why.kind === 'page').map(({ id }) => id)
    expect(paged).toHaveLength(1)
    const answer = await bot.command(
      ben,
      `command #${incident.number} ${at(ana)}, ${at(cho)} orders-svc, payments-svc operate 1h because it spreads`,
    )
    expect(answer).toContain('2 people. The message in the channel ends all of it.')
    const grants = await ofCommand()
    expect(grants.map(({ who }) => who.name).sort()).toEqual(['Ana Lopes', 'Cho Park'])
    for (const grant of grants) {
      expect(grant).toMatchObject({
        state: 'active',
        services: ['orders-svc', 'payments-svc'],
        tier: 'operate',
        duration: hour,
        until: grant.from + hour,
        why: { incident: { id: incident.id }, commander: { subject: ben.subject }, reason: 'it spreads' },
        approvals: [{ subject: ben.subject, teams: ['commanders'] }],
      })
      const holder = known(grant.who.subject === ana.subject ? 'ana' : 'cho')
      const orders = serviceIn(rules)
      expect(mayHold(rules, orders, tierIn(orders, 'operate'), holder, grant, grant.from)).toBe(true)
    }
    const { text } = await goMessage('Cho Park')
    expect(text).toMatch(
      /^\*Ben Okafor\* added people to incident #\d+ “orders are stuck”, because it spreads:\n/,
    )
    expect(text).toMatch(
      /\*operate\* on `orders-svc`, `payments-svc` until .*: \*\w+ \w+\* \(`.*`\), \*\w+ \w+\*/,
    )
    await goMessage('Cho Park', 'inc-payments')
    expect(toldOf()).toHaveLength(1)

    // End all ends that with one receipt, and nothing else; pressed again it does nothing more.
    const message = await goMessage('Cho Park')
    bot.startOver()
    await bot.slack.click(ben, message, 'End all')
    await until(
      () => bot.saidTo(ben).at(-1)?.startsWith('Ended: 2 passes. 0 of 0 proxies') === true,
      'the receipt',
    )
    expect((await bot.live()).map(({ id }) => id)).toEqual(paged)
    for (const { id } of grants)
      expect((await endOf(id))?.end).toMatchObject({ cause: 'revoked', by: { subject: ben.subject } })
    const blocks = () => JSON.stringify(toldOf().at(-1)?.blocks)
    await until(() => later(() => !blocks().includes('End all')), 'the button to go')
    expect((await goMessage('no more')).ts).toBe(message.ts)
    const before = await bot.state()
    await bot.sendPayload(bot.clickPayload(ben, 'end-all', buttonOf(grants)))
    await until(() => bot.saidTo(ben).at(-1) === reasons['already-decided'].person, 'the answer')
    expect(await bot.state()).toEqual(before)
  })

  test('tells each of them, and the summary names them when the incident is over', async () => {
    await bot.command(ben, `command ${incident.id} ${at(cho)} orders-svc operate`)
    const direct = (): string[] => bot.slack.messagesIn(dmOf(cho)).map(({ text }) => text)
    await until(
      () => later(() => direct().some((text) => text.includes('*Ben Okafor* added you'))),
      'Cho to be told',
    )
    bot.pagerDuty.incidents.resolve(incident.id, { kind: 'user', id: ben.pagerduty.user })
    await bot.followed()
    await until(async () => (await ofCommand()).length === 0, 'the pass to end with its incident')
    const summed = () =>
      seen().some(({ text }) => text.includes('Access during') && text.includes('*Cho Park* had *operate*'))
    await until(() => later(summed), 'the summary')
    expect((await goMessage('no more')).text).toContain('the incident ended')
  })

  test('takes groups: everybody in them whom the directory knows, but never the commander', async () => {
    const answer = await bot.command(ben, `command ${incident.id} ${responders} label:tier-1 operate 30m`)
    expect(answer).toContain('2 people')
    expect(answer).toContain('• not *Ben Okafor* on `orders-svc`, `payments-svc`: nobody adds themself.')
    expect(answer).toContain(`• not <@${dan.slack.user}>: that Slack account is nobody’s in the directory.`)
    expect((await ofCommand()).map(({ who }) => who.subject).sort()).toEqual([ana.subject, cho.subject])
  })

  test('names whom the rules don’t let have it and who is locked out or not active; the others go on', async () => {
    bot.setPeople([
      ...usualPeople.filter(({ subject }) => subject !== ana.subject),
      known('ana', { active: false }),
    ])
    await bot.command(ben, `lock ${at(cho)} because a stolen laptop`)
    const fin = known('ben', finsOwn)
    bot.setPeople([known('ana', { active: false }), known('ben'), known('cho'), known('eve'), fin])
    const answer = await bot.command(
      ben,
      `command ${incident.id} ${at(ana)} ${at(cho)} ${at(eve)} <@U0FIN00001> orders-svc operate`,
    )
    expect(answer).toContain('1 person')
    expect(answer).toContain('not *Ana Lopes* on `orders-svc`: their account is not active.')
    expect(answer).toContain('not *Cho Park* on `orders-svc`: they are locked out.')
    expect(answer).toContain('not *Eve Stone* on `orders-svc`: the rules do not let them have *operate*.')
    expect((await ofCommand()).map(({ who }) => who.name)).toEqual(['Fin Holm'])
    bot.setPeople([...usualPeople, fin])
    await bot.command(ben, `unlock ${at(cho)}`)
    await bot.command(eve, `unlock ${at(cho)}`)
  })

  test('said twice is done once; said again after it has ended it is done again', async () => {
    const text = `command ${incident.id} ${at(cho)} orders-svc operate`
    await bot.command(ben, text)
    const [first] = await ofCommand()
    expect(await bot.command(ben, text)).toContain(first?.id)
    expect((await ofCommand()).map(({ id }) => id)).toEqual([first?.id])
    await bot.command(cho, `revoke ${first?.id}`)
    await bot.command(ben, text)
    const [second] = await ofCommand()
    expect(second?.id).not.toBe(first?.id)
  })

  test('goes on where a group can’t be read, and says why', async () => {
    const nobodys = await bot.command(
      ben,
      `command ${incident.id} ${at(cho)} <!subteam^S0NOSUCH01> orders-svc`,
    )
    expect(nobodys).toContain('1 person')
    expect(nobodys).toContain(
      '• not the group `S0NOSUCH01`: Slack did not tell who is in it. To mend it: mention a group',
    )
    bot.slack.fail({ kind: '429', method: 'usergroups.users.list', retryAfter: 1, count: 1 })
    expect(await bot.command(ben, `command ${incident.id} ${responders} orders-svc`)).toContain(
      'Nobody was added',
    )
  })

  test('moves with its incident when that is merged, and ends with the other', async () => {
    await bot.command(ben, `command ${incident.id} ${at(cho)} orders-svc operate`)
    const parent = bot.pagerDuty.incidents.trigger({ service, title: 'all is stuck', by })
    bot.pagerDuty.incidents.merge([incident.id], parent.id, { kind: 'user', id: ben.pagerduty.user })
    await bot.followed()
    await until(
      async () => (await ofCommand()).some(({ why }) => 'incident' in why && why.incident.id === parent.id),
      'it to be moved',
    )
    bot.pagerDuty.incidents.resolve(parent.id, { kind: 'user', id: ben.pagerduty.user })
    await bot.followed()
    await until(async () => (await ofCommand()).length === 0, 'it to end')
  })
})

describe('End all', () => {
  const add = async (): Promise<readonly Grant[]> => {
    await bot.command(ben, `command ${incident.id} ${at(ana)} ${at(cho)} orders-svc,payments-svc operate`)
    return ofCommand()
  }

  test('is for who may lock people out, too, and for the owners of its services', async () => {
    for (const who of [eve, cho]) {
      const grants = await add()
      await bot.sendPayload(bot.clickPayload(who, 'end-all', buttonOf(grants)))
      await until(async () => (await ofCommand()).length === 0, `${who.name} to end it`)
    }
  })

  test('is not for who is none of them', async () => {
    bot.setPeople([...usualPeople, known('ben', { ...finsOwn, groups: [] })])
    const grants = await add()
    await expectNothing(bot, 'not-yours', () =>
      bot.sendPayload(bot.clickPayload(finMember, 'end-all', buttonOf(grants))),
    )
    expect(await ofCommand()).toHaveLength(2)
  })
})
