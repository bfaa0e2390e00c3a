import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { readEnded } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements, readUnverifiedLock } from '#access/adapters/statements.ts'
import { buttonValue } from '#access/domain/button.ts'
import type { Lock, LockOrder } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import { reasons } from '#access/domain/reasons.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { people } from '#infra/sandbox/people.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { type BotUnderTest, known, startBotForTest, usualPeople } from '../builders/bot.ts'
import { aLock, freshKeys, hour, minute, rulesOf, rulesText, until } from '../builders.ts'

const { ana, ben, cho, dan, eve } = people
const rules = rulesOf(`${rulesText}\nlock: { who: [sre, payments] }\n`)

let bot: BotUnderTest
beforeAll(async () => {
  bot = await startBotForTest(inject('redisUrl'), 111, { rules, workers: true })
})
afterAll(() => bot.stop())
beforeEach(() => bot.startOver())
afterEach(async () => {
  bot.setPeople(usualPeople)
  if ((await stored())?.state === 'locked') {
    // Long enough for whatever was agreed before to count no more.
    bot.clock.set(bot.clock.now() + 2 * hour)
    await bot.command(ben, `unlock ${at(ana)}`)
    await bot.command(cho, `unlock ${at(ana)}`)
  }
  expect((await stored())?.state).not.toBe('locked')
  expect(bot.faults).toEqual([])
})

const at = (who: typeof ana): string => `<@${who.slack.user}|${who.name}>`
const key = (who: typeof ana): string => principalKey(known(who.name))
const stored = async (who = ana): Promise<Lock | undefined> => {
  const [, , , statement] = ((await bot.redis.hget(names.locks, key(who))) ?? '').split(' ')
  return statement === undefined ? undefined : readUnverifiedLock(statement)
}
const shownIn = (): string[] =>
  bot.slack.messagesIn(channelNamed('inc-orders') ?? expect.fail('no channel')).map(({ text }) => text)
/** Messages to one place have to wait for their turn, by the clock. */
const later = (holds: () => boolean): boolean => {
  bot.clock.set(bot.clock.now() + 1_000)
  return holds()
}
const lockAna = (): Promise<string> => bot.command(ben, `lock ${at(ana)} because a stolen laptop`)
const who = ({ issuer, subject, name } = known('ana')) => ({ issuer, subject, name })
const lift = async (by: typeof ana, lock: Lock, to = by) =>
  bot.sendPayload(bot.clickPayload(by, 'lift', buttonValue(lock, 'lift', known(to.name))))

describe('/access lock', () => {
  test('ends every pass, offer and request of the person at once, and says so', async () => {
    const active = await bot.give({ who: who() })
    const offered = await bot.give({ who: who(), state: 'offered', step: 'offered' })
    const pending = await bot.give({ who: who(), state: 'pending', step: 'asked' })
    const bens = await bot.give({ who: who(known('ben')) })
    const answer = await lockAna()
    expect(answer).toContain('Locked out: *Ana Lopes*. 3 passes, offers and requests ended.')
    expect(await stored()).toMatchObject({
      state: 'locked',
      who: who(),
      by: { kind: 'person', subject: ben.subject },
      because: 'a stolen laptop',
    })
    expect((await bot.live()).map(({ id }) => id)).toEqual([bens.id])
    const statements = createStatements(bot.keys.proxy)
    const ends = await Promise.all(
      [active, offered, pending].map(({ id }) => readEnded(bot.redis, statements, id)),
    )
    expect(ends.map((one) => one?.end)).toMatchObject([
      { state: 'ended', cause: 'locked', by: { subject: ben.subject } },
      { state: 'refused', cause: 'locked' },
      { state: 'refused', cause: 'locked' },
    ])
    await bot.command(ben, `revoke ${bens.id}`)
  })

  test('leaves the locked person nothing to do: not ask, approve, take, lock, lift nor look', async () => {
    const offered = await bot.give({ who: who(), state: 'offered', step: 'offered' })
    await lockAna()
    const locked = reasons['principal-locked'].person
    for (const text of [
      'grant orders-svc 1h because stuck',
      'list',
      'extend orders-svc',
      'revoke orders-svc',
      `lock ${at(ben)} because I can`,
      `unlock ${at(ana)}`,
    ])
      expect(await bot.command(ana, text)).toBe(locked)
    const asked = await bot.give({
      who: who(known('ben')),
      state: 'pending',
      step: 'asked',
      approvers: { from: ['payments'], count: 1 },
    })
    await bot.click(ana, 'approve', asked)
    await bot.click(ana, 'take', offered)
    await until(() => bot.saidTo(ana).filter((text) => text === locked).length === 2, 'both to be answered')
    expect((await bot.grant(asked.id))?.state).toBe('pending')
    expect(await stored(ben)).toBeUndefined()
    await bot.command(ben, `revoke ${asked.id}`)
  })

  test('lets a page give the person nothing, and says so in the channel', async () => {
    await lockAna()
    const service = serviceWithId('PORDERS')
    if (service === undefined) throw new Error('no service')
    const by = { kind: 'integration', id: 'PIDATADOG', service: 'PORDERS' } as const
    bot.pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by })
    await bot.followed()
    await until(
      () => later(() => shownIn().some((text) => text.includes('got no pass. They are locked out'))),
      'the channel to be told',
    )
    expect((await bot.live()).filter(({ who: { subject } }) => subject === ana.subject)).toEqual([])
  })

  test('is refused to whom the rules don’t name, to strangers, and about nobody', async () => {
    for (const [by, text, reason] of [
      [eve, `lock ${at(ana)} because I can`, reasons['not-locker'].person],
      [eve, `unlock ${at(ana)}`, reasons['not-locker'].person],
      [dan, `lock ${at(ana)} because I can`, reasons['person-unknown'].person],
      [ben, `lock ${at(dan)} because gone`, 'nobody’s in the directory'],
      [ben, `lock ${at(ana)}`, 'Say why'],
      [ben, 'lock ana because of that', 'Say whom'],
      [ben, `lock ${at(ana)} ${at(cho)} because both`, 'Say whom'],
      [ben, `unlock ${at(ana)}`, reasons['not-locked'].person],
    ] as const)
      expect(await bot.command(by, text)).toContain(reason)
    expect((await stored())?.state).not.toBe('locked')
  })

  test('of who is locked out already changes nothing, and says by whom and why', async () => {
    await lockAna()
    const before = await stored()
    const again = await bot.command(cho, `lock ${at(ana)} because of something else`)
    expect(again).toContain('by Ben Okafor: a stolen laptop')
    expect(await stored()).toEqual(before)
    expect(await bot.command(cho, 'list')).toContain('*Ana Lopes* is locked out since')
    expect(await bot.command(eve, 'list')).not.toContain('Ana')
  })

  test('of a subject that no directory knows', async () => {
    const subject = `client-${bot.clock.now()}`
    expect(await bot.command(ben, `lock subject:${subject} because it calls everything`)).toContain(
      'Locked out',
    )
    const { issuer } = rules.identity
    expect(await bot.redis.hexists(names.locks, `${issuer} ${subject}`)).toBe(1)
  })
})

describe('Letting somebody in again', () => {
  test('takes two people, by command or by button, and they hold nothing from before', async () => {
    await bot.give({ who: who() })
    await lockAna()
    const lock = await stored()
    if (lock === undefined) throw new Error('not locked')
    await until(
      () => later(() => bot.slack.messageWithButton(cho, undefined, 'lift') !== undefined),
      'Cho to be sent the button',
    )
    expect(await bot.command(ben, `unlock ${at(ana)}`)).toContain('It takes 1 more.')
    expect(await stored()).toMatchObject({ state: 'locked', agreed: [{ subject: ben.subject }] })
    expect(await bot.command(ana, 'list')).toBe(reasons['principal-locked'].person)
    await lift(cho, lock)
    await until(
      () => bot.saidTo(cho).some((text) => text.includes('*Ana Lopes* is let in again')),
      'the answer',
    )
    expect(await stored()).toMatchObject({ state: 'free', agreed: [{}, { subject: cho.subject }] })
    await until(async () => (await bot.command(ana, 'list')).includes('You have no passes'), 'the lift')
    expect(await bot.command(ana, 'grant orders-svc 1h because stuck')).toContain('You have a pass')
    await bot.command(ana, 'revoke orders-svc')
  })

  test('is not done by one person twice, from whatever Slack account', async () => {
    await lockAna()
    await bot.command(ben, `unlock ${at(ana)}`)
    expect(await bot.command(ben, `unlock ${at(ana)}`)).toContain('You agreed already')
    // Their second account, once the directory has linked it instead.
    const other = { ...ben, slack: { team: ben.slack.team, user: 'U0BEN00002' } }
    bot.setPeople([known('ana'), known('ben', { slack: other.slack }), known('cho'), known('eve')])
    expect(await bot.command(other, `unlock ${at(ana)}`)).toContain('You agreed already')
    expect((await stored())?.state).toBe('locked')
  })

  test.each([
    ['is locked out meanwhile', async () => void (await bot.command(cho, `lock ${at(ben)} because both`))],
    ['left the group', async () => bot.setPeople([known('ana'), known('ben', { groups: [] }), known('cho')])],
    [
      'was deactivated',
      async () => bot.setPeople([known('ana'), known('ben', { active: false }), known('cho')]),
    ],
    ['agreed over an hour ago', async () => bot.clock.set(bot.clock.now() + hour)],
  ])('does not count an agreement of somebody who %s', async (_name, happens) => {
    await lockAna()
    await bot.command(ben, `unlock ${at(ana)}`)
    await happens()
    expect(await bot.command(cho, `unlock ${at(ana)}`)).toContain('It takes 1 more.')
    expect(await stored()).toMatchObject({ state: 'locked', agreed: [{ subject: cho.subject }] })
    bot.setPeople(usualPeople)
    if ((await stored(ben))?.state === 'locked') {
      bot.setPeople([known('ana'), known('ben'), known('cho'), known('eve', { groups: ['sre'] })])
      await bot.command(eve, `unlock ${at(ben)}`)
      await bot.command(cho, `unlock ${at(ben)}`)
      expect((await stored(ben))?.state).toBe('free')
    }
  })

  test('begins anew where they are locked out again, and an old button does nothing', async () => {
    await lockAna()
    const old = await stored()
    await bot.command(ben, `unlock ${at(ana)}`)
    await bot.command(cho, `lock ${at(ana)} because there is more`)
    const now = await stored()
    expect(now).toMatchObject({ state: 'locked', agreed: [], because: 'there is more' })
    if (old === undefined || now === undefined) throw new Error('not locked')
    const said = bot.saidTo(cho).length
    await lift(cho, old)
    expect(bot.saidTo(cho)).toHaveLength(said)
    expect(await stored()).toEqual(now)
  })

  test('is not done with somebody else’s button, by somebody the rules don’t name, or by a made-up one', async () => {
    await lockAna()
    const lock = await stored()
    if (lock === undefined) throw new Error('not locked')
    await lift(cho, lock, ben)
    await lift(eve, lock)
    await bot.sendPayload(bot.clickPayload(cho, 'lift', `${lock.id}.${'A'.repeat(43)}`))
    expect(await stored()).toEqual(lock)
  })

  test('is not done while the directory says that they are not active', async () => {
    await lockAna()
    await bot.command(ben, `unlock ${at(ana)}`)
    bot.setPeople([known('ana', { active: false }), known('ben'), known('cho')])
    expect(await bot.command(cho, `unlock ${at(ana)}`)).toContain(
      'The directory says that they are not active',
    )
    expect((await stored())?.state).toBe('locked')
  })

  test('by both at the same moment lets them in once', async () => {
    await lockAna()
    const lock = await stored()
    if (lock === undefined) throw new Error('not locked')
    await Promise.all([lift(ben, lock), lift(cho, lock), lift(ben, lock), lift(cho, lock)])
    expect(await stored()).toMatchObject({ state: 'free', version: lock.version + 2 })
    bot.clock.set(bot.clock.now() + minute)
  })
})

describe('An order of `pagepass lock`', () => {
  const order = async (changes: Partial<LockOrder> = {}, by = bot.keys.responder): Promise<string> =>
    createStatements(by).sign('lock-order', {
      environment: 'sandbox',
      subject: ana.subject,
      because: 'a stolen laptop',
      at: bot.clock.now(),
      ...changes,
    })
  const bring = async (body: string) => {
    const response = await fetch(`${bot.address}/api/v1/locks`, { method: 'POST', body })
    return { status: response.status, said: (await response.json()) as Record<string, unknown> }
  }

  test('locks somebody out as their own lock does, and names the key', async () => {
    const held = await bot.give({ who: who() })
    expect(await bring(await order())).toMatchObject({
      status: 200,
      said: { locked: 'Ana Lopes', already: false, ended: 1, receipt: { missing: [] } },
    })
    expect(await bot.grant(held.id)).toBeUndefined()
    expect(await stored()).toMatchObject({ by: { kind: 'key', kid: 'responder-lock-1' } })
    expect((await bring(await order())).said).toMatchObject({ already: true })
    expect(await bot.command(cho, 'list')).toContain('by the key “responder-lock-1”: a stolen laptop')
  })

  test('that somebody kept does not lock again whom two people let in', async () => {
    const kept = await order()
    await bring(kept)
    await bot.command(ben, `unlock ${at(ana)}`)
    await bot.command(cho, `unlock ${at(ana)}`)
    expect(await bring(kept)).toMatchObject({
      status: 403,
      said: { refused: 'they were let in again after the order' },
    })
    expect((await stored())?.state).toBe('free')
  })

  test.each<[string, () => Promise<string>]>([
    ['is signed by a stranger', async () => order({}, (await freshKeys()).responder)],
    ['is of another environment', () => order({ environment: 'elsewhere' })],
    ['is too old', () => order({ at: bot.clock.now() - 6 * minute })],
    ['is from the future', () => order({ at: bot.clock.now() + 6 * minute })],
    ['is a lock, not an order', async () => createStatements(bot.keys.bot).sign('lock', aLock())],
    [
      'is a head',
      async () =>
        createStatements(bot.keys.bot).sign('head', {
          environment: 'sandbox',
          at: 1,
          epoch: '',
          sequence: 0,
          count: 0,
          set: '',
        }),
    ],
    ['is nothing', async () => ''],
    ['is far too long', async () => 'x'.repeat(5_000)],
  ])('is refused where it %s', async (_name, made) => {
    const { status } = await bring(await made())
    expect([400, 403, 413]).toContain(status)
    expect((await stored())?.state).not.toBe('locked')
  })

  test('is all that the key can sign', async () => {
    const statements = createStatements(bot.keys.responder)
    await expect(statements.sign('lock', aLock())).rejects.toMatchObject({ code: 'keys/missing' })
    await expect(statements.sign('lift', aLock())).rejects.toMatchObject({ code: 'keys/missing' })
  })
})
