import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Confirmation } from '#access/domain/confirmation.ts'
import type { Grant } from '#access/domain/grant.ts'
import { integrations, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import type { Agent, Incident } from '#infra/sandbox/pagerduty/incident-record.ts'
import { people } from '#infra/sandbox/people.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { type BotUnderTest, startBotForTest } from '../builders/bot.ts'
import { minute, pageWhy, rulesOf, rulesText, until } from '../builders.ts'

const { ana, ben } = people
const orders = serviceWithId('PORDERS') ?? expect.fail('no orders-svc')
const datadog: Agent = { kind: 'integration', id: integrations.datadog.id, service: orders.id }
const by = (person: typeof ana): Agent => ({ kind: 'user', id: person.pagerduty.user })

const rules = rulesOf(
  rulesText.replace(
    '    how: auto\n    for: 2h\n',
    '    how: on acknowledge\n    for: 1h\n    cap: 12h\n    grace: 10m\n',
  ),
)

let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 160, {
    rules,
    workers: true,
    reconcileEveryMs: 100,
    alarmChannel: '#general',
  })
})
afterAll(() => bot.stop())
/** No webhook ever comes. */
beforeEach(() => bot.pagerDuty.webhooks.hold())
afterEach(async () => {
  bot.pagerDuty.mend()
  for (const { id, status } of bot.pagerDuty.incidents.all())
    if (status !== 'resolved') bot.pagerDuty.incidents.resolve(id, by(ana))
  await until(async () => {
    bot.clock.set(bot.clock.now() + 10 * minute)
    return (await bot.live()).length === 0
  }, 'every pass to end')
  expect(bot.faults).toEqual([])
})

const page = (): Incident =>
  bot.pagerDuty.incidents.trigger({ service: orders, title: 'Queue is stuck', by: datadog })
const passesOf = async ({ id }: { readonly id: string }): Promise<Grant[]> =>
  (await bot.live()).filter(({ why }) => why.kind === 'page' && why.incident.id === id)
const onePass = async (of: { readonly id: string }, is: (grant: Grant) => boolean): Promise<Grant> => {
  let found: Grant | undefined
  await until(async () => {
    found = (await passesOf(of)).find(is)
    return found !== undefined
  }, 'the pass')
  return found ?? expect.fail('no pass')
}
const confirmed = async (): Promise<Confirmation> =>
  createStatements(bot.keys.proxy).verify(
    'confirmation',
    (await bot.redis.get(names.incidentsConfirmed)) ?? '',
  )
const shown = (): string[] =>
  bot.slack
    .messagesIn(channelNamed('general') ?? expect.fail('no channel'))
    .map(({ text }) => text)
    .filter((text) => text.includes('webhooks'))
const anAckedPass = async (): Promise<[Incident, Grant]> => {
  const incident = page()
  bot.pagerDuty.incidents.acknowledge(incident.id, by(ana))
  return [incident, await onePass(incident, ({ state }) => state === 'active')]
}

describe('What no webhook told', () => {
  test('is found: a page gives what it would have given', async () => {
    const incident = page()
    const offered = await onePass(incident, () => true)
    expect(offered).toMatchObject({ state: 'offered', tier: 'operate', who: { subject: 'idp-ana' } })
    bot.pagerDuty.incidents.acknowledge(incident.id, by(ana))
    expect(await onePass(incident, ({ state }) => state === 'active')).toMatchObject({ id: offered.id })
  })

  test('is found late: an offer, and nothing by itself', async () => {
    bot.pagerDuty.fail({ kind: '500', count: 1_000 })
    const incident = page()
    bot.pagerDuty.incidents.acknowledge(incident.id, by(ana))
    bot.clock.set(bot.clock.now() + 60 * minute)
    bot.pagerDuty.mend()
    expect(await onePass(incident, () => true)).toMatchObject({
      state: 'offered',
      why: { doubt: 'page-late' },
    })
  })

  test('ends the pass of an incident that a person resolved', async () => {
    const [incident, pass] = await anAckedPass()
    bot.pagerDuty.incidents.resolve(incident.id, by(ana))
    expect(await onePass(incident, ({ ending }) => ending !== undefined)).toMatchObject({
      id: pass.id,
      ending: { cause: 'incident over', keepable: false },
    })
  })

  test('ends the pass of who is not assigned any more, and gives the other theirs', async () => {
    const [incident, pass] = await anAckedPass()
    bot.pagerDuty.incidents.reassign(incident.id, [ben.pagerduty.user], by(ana))
    expect(await onePass(incident, ({ ending }) => ending !== undefined)).toMatchObject({
      id: pass.id,
      ending: { cause: 'handed over' },
    })
    await onePass(incident, ({ who }) => who.subject === 'idp-ben')
  })

  test('moves the pass of an incident that was merged', async () => {
    const [incident, pass] = await anAckedPass()
    const parent = page()
    await onePass(parent, () => true)
    bot.pagerDuty.incidents.merge([incident.id], parent.id, by(ana))
    expect(await onePass(parent, ({ step }) => step === 'moved')).toMatchObject({ id: pass.id })
  })

  test('ends the pass of an incident that PagerDuty does not know, unless it is kept', async () => {
    const { issuer, subject, name } = (await anAckedPass())[1].who
    await bot.give({ who: { issuer, subject, name }, why: pageWhy('QNOWHERE') })
    expect(await onePass({ id: 'QNOWHERE' }, ({ ending }) => ending !== undefined)).toMatchObject({
      ending: { cause: 'incident over', keepable: true },
    })
  })
})

describe('PagerDuty’s word', () => {
  test('is attested while it comes, and a pass without it is not extended', async () => {
    const [, pass] = await anAckedPass()
    await until(async () => (await confirmed()).at === bot.clock.now(), 'PagerDuty to confirm')
    expect(await confirmed()).toMatchObject({ environment: 'sandbox', except: [] })
    const before = await confirmed()
    bot.pagerDuty.fail({ kind: '500', count: 10_000 })
    bot.clock.set(bot.clock.now() + 14 * minute)
    expect(await bot.command(ana, `extend ${pass.id} 1m`)).toContain('Extended')
    bot.clock.set(bot.clock.now() + minute)
    expect(await bot.command(ana, `extend ${pass.id} 1m`)).toContain('PagerDuty has not confirmed')
    expect(await confirmed()).toEqual(before)
    bot.pagerDuty.mend()
    await until(async () => (await confirmed()).at > before.at, 'PagerDuty to confirm again')
    await until(
      async () => !(await bot.command(ana, `extend ${pass.id} 1m`)).includes('PagerDuty'),
      'the pass to be extended',
    )
  })

  test('leaves out what it was not asked for or did not answer', async () => {
    const { issuer, subject, name } = (await anAckedPass())[1].who
    await until(async () => (await confirmed()).at === bot.clock.now(), 'PagerDuty to confirm')
    const { at } = await confirmed()
    bot.pagerDuty.fail({ kind: '500', count: 10_000, path: '/incidents/QNOWHERE' })
    bot.clock.set(bot.clock.now() + minute)
    await bot.give({ who: { issuer, subject, name }, why: pageWhy('QNOWHERE') })
    await until(async () => (await confirmed()).except.length > 0, 'something not to be confirmed')
    expect((await confirmed()).except).toEqual([{ incident: 'QNOWHERE', at: expect.any(Number) }])
    expect((await confirmed()).except[0]?.at).toBeLessThanOrEqual(at + minute)
    bot.pagerDuty.mend()
  })
})

describe('A subscription that does not deliver', () => {
  test.each(['switched off', 'temporarily'] as const)('is told to the operators once: %s', async (how) => {
    const before = shown().length
    bot.pagerDuty.webhooks.disable(how)
    await until(() => later(() => shown().length > before), 'the operators to be told')
    await until(async () => (await confirmed()).at === bot.clock.now(), 'another run')
    expect(shown().slice(before)).toEqual([expect.stringContaining('don’t come')])
    bot.pagerDuty.webhooks.enable()
    bot.pagerDuty.webhooks.hold()
    await until(() => later(() => shown().length > before + 1), 'the operators to be told')
    expect(shown().slice(before + 1)).toEqual([expect.stringContaining('come again')])
  })
})

/** Messages to one place have to wait for their turn, by the clock. */
const later = (holds: () => boolean): boolean => {
  bot.clock.set(bot.clock.now() + 1_000)
  return holds()
}
