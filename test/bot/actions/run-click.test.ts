import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { type ButtonAction, buttonActions, buttonValue } from '#access/domain/button.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { EndCause, Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import type { Person } from '#access/domain/principal.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import { createView } from '#access/domain/view.ts'
import { type Click, runClick } from '#bot/actions/run-click.ts'
import { readContent } from '#infra/sandbox/slack/content.ts'
import { noGlass } from '../../builders/break-glass.ts'
import {
  aGrant,
  aPerson,
  freshDatabase,
  freshStatements,
  frozenClock,
  hour,
  keptLog,
  minute,
  noLocks,
  noon,
  nthId,
  pageWhy,
  patiently,
  rulesOf,
  until,
} from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let parts: Awaited<ReturnType<typeof freshStatements>>
let clock: ReturnType<typeof frozenClock>
let log: ReturnType<typeof keptLog>
let prompt: ReturnType<typeof database.connect>
let run: (click: Click) => Promise<string | undefined>
let live: ReturnType<typeof followView>['live']
let stop: () => Promise<unknown>

const home = 'T0SANDBOX'
const person = (name: string, groups: string[], more: Partial<Person> = {}): Person => {
  const first = name.split(' ')[0]?.toLowerCase() ?? ''
  return aPerson({
    subject: `idp-${first}`,
    name,
    groups,
    slack: { team: home, user: `U0${first.toUpperCase()}00001` },
    pagerduty: { account: 'sandbox', user: `PU${first.toUpperCase()}01` },
    ...more,
  })
}
const ana = person('Ana Lopes', ['team-payments'])
const ben = person('Ben Okafor', ['sre'])
const cho = person('Cho Park', ['team-payments'])
const eve = person('Eve Stone', [])
const fin = person('Fin Gone', ['sre'], { active: false })
/** In the directory with her account in the workspace that a channel is shared with. */
const zoe = person('Zoe Sre', ['sre'], { slack: { team: 'T0PARTNER', user: 'U0ZOE00001' } })
const everybody = [ana, ben, cho, eve, fin, zoe]
const directory = indexDirectory({
  environment: 'sandbox',
  asOf: noon,
  people: everybody.map((one) => ({ ...one, groups: [...one.groups] })) as never,
})

beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 43)
  parts = await freshStatements()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.redis.flushdb()
  await prepareStore(database.redis, 'epoch-1')
  clock = frozenClock()
  log = keptLog()
  prompt = database.connect()
  await until(() => prompt.status === 'ready', 'a connection')
  const view = createView()
  const follower = followView(
    { prompt, patient: database.connect(), view, statements: parts.bot, clock, heads: 'optional' },
    { alarm: () => undefined },
  )
  await until(view.ready, 'the first sync')
  live = follower.live
  const whole = {
    rules: rulesOf(),
    directory,
    live: patiently(follower.live),
    store: createGrantStore(prompt, parts.bot, clock),
    clock,
    log: log.log,
    incidents: { read: async () => undefined },
    receipts: { of: async () => ({ confirmed: [], missing: [], streamsCut: 0 }) },
    ...noGlass,
    ...noLocks,
    environment: 'sandbox',
    newNonce: () => 'n'.repeat(32),
  }
  run = (click) => runClick(whole, click)
  stop = async () => {
    await follower.stop()
    prompt.disconnect()
  }
})
afterEach(() => stop())

const store = () => createGrantStore(database.redis, parts.bot, clock)
const given = async (grant: Grant): Promise<Grant> => {
  expect((await store().give(grant)).given).toBe(true)
  return grant
}
const next = (grant: Grant, step: Parameters<typeof nextVersion>[1], changes = {}) =>
  given(nextVersion(grant, step, changes, clock.now()))
const end = (grant: Grant, cause: EndCause) => store().end(grant, cause)

const nonce = (n: number): string => `${n}-`.padEnd(32, 'secret')
const offered = aGrant({
  state: 'offered',
  step: 'offered',
  why: pageWhy(),
  nonce: nonce(1),
  until: noon + 4 * hour,
})
const pending = aGrant({
  id: nthId(2),
  state: 'pending',
  step: 'asked',
  tier: 'admin',
  why: { ...pageWhy(), rule: 'owners' },
  approvers: { from: ['sre'], count: 1 },
  nonce: nonce(2),
})
const active = aGrant({ id: nthId(3), nonce: nonce(3), why: pageWhy() })
const shortened = aGrant({
  id: nthId(4),
  nonce: nonce(4),
  why: pageWhy(),
  until: noon + 30 * minute,
  ending: { cause: 'incident over', was: noon + hour, at: noon, keepable: true },
})

const by = (who: Person, action: ButtonAction, grant: Grant, changes: Partial<Click> = {}): Click => ({
  action,
  value: buttonValue(grant, action, who),
  team: who.slack?.team ?? '',
  home,
  user: who.slack?.user ?? '',
  ...changes,
})
const standing = async (grant: Grant): Promise<Grant | undefined> => {
  await live.catchUp()
  return live.get(grant.id)?.grant
}
const events = () => database.redis.xlen(names.events)
const refusals = () => log.lines().filter(({ msg }) => msg === 'a click was refused')

/** The click changed nothing, the log says why, and no line of it helps to click again. */
const isRefused = async (click: Click, reason: Reason, said: string | undefined): Promise<void> => {
  const before = await events()
  expect(await run(click)).toBe(said)
  expect(await events()).toBe(before)
  expect(refusals()).toMatchObject([{ reason, action: click.action, user: click.user, team: click.team }])
  tellsNoSecret(click.value)
}
const tellsNoSecret = (value: string): void => {
  const lines = JSON.stringify(log.lines())
  const proof = value.split('.')[1] ?? value
  if (proof !== '') expect(lines).not.toContain(proof)
  expect(lines).not.toContain('secretsecret')
  // Nor the signed statement, which holds the nonce.
  expect(lines).not.toMatch(/eyJ[\w-]{20,}/)
}

describe('A click', () => {
  test('on Take gives the paged person their pass, from now', async () => {
    await given(offered)
    clock.set(noon + minute)
    expect(await run(by(ana, 'take', offered))).toMatch(
      /^You have a pass: \*operate\* on `orders-svc` until <!date\^\d+\^\{time\}\|13:01 UTC>\.$/,
    )
    expect(await standing(offered)).toMatchObject({
      state: 'active',
      step: 'taken',
      from: noon + minute,
      until: noon + minute + hour,
      by: { subject: 'idp-ana' },
    })
  })

  test('on Not me turns the offer down', async () => {
    await given(offered)
    expect(await run(by(ana, 'decline', offered))).toBe('Turned down: *operate* on `orders-svc`.')
    expect(await store().endOf(offered.id)).toMatchObject({ end: { cause: 'withdrawn', state: 'refused' } })
  })

  test('on Approve makes what somebody else asked for a pass', async () => {
    await given(pending)
    expect(await run(by(ben, 'approve', pending))).toContain(
      'Approved: Ana Lopes has *admin* on `orders-svc`',
    )
    expect(await standing(pending)).toMatchObject({ state: 'active', approvals: [{ subject: 'idp-ben' }] })
  })

  test('on Approve, where it takes two, says how many are missing', async () => {
    const two = await given({ ...pending, approvers: { from: ['sre'], count: 2 } })
    expect(await run(by(ben, 'approve', two))).toBe('Approved by you. It takes 1 more.')
    expect(await standing(two)).toMatchObject({ state: 'pending', step: 'endorsed' })
    await isRefused(by(ben, 'approve', two), 'already-decided', reasons['already-decided'].person)
    expect(await run(by(zoe, 'approve', two))).toContain('Approved: Ana Lopes has')
  })

  test('on Deny refuses it', async () => {
    await given(pending)
    expect(await run(by(ben, 'deny', pending))).toBe('Denied: *admin* on `orders-svc` for Ana Lopes.')
    expect(await store().endOf(pending.id)).toMatchObject({
      end: { cause: 'denied', by: { subject: 'idp-ben' } },
    })
  })

  test('on Extend makes the pass last longer', async () => {
    await given(active)
    expect(await run(by(ana, 'extend', active))).toContain('Extended by 1h: *operate* on `orders-svc` until')
    expect(await standing(active)).toMatchObject({ step: 'extended', until: noon + 2 * hour })
  })

  test('on Keep gives the time back that an integration took', async () => {
    await given(shortened)
    expect(await run(by(ana, 'keep', shortened))).toContain('Kept: *operate* on `orders-svc` until')
    expect(await standing(shortened)).toMatchObject({ kept: true, until: noon + hour })
  })

  test('by somebody whose account is in a connected workspace counts as theirs', async () => {
    await given(pending)
    expect(await run(by(zoe, 'approve', pending))).toContain('Approved:')
  })

  test.each<[string, Grant, Person, ButtonAction]>([
    ['Take', offered, ana, 'take'],
    ['Approve', pending, ben, 'approve'],
    ['Keep', shortened, ana, 'keep'],
  ])('on %s twice at once takes effect once', async (_, grant, who, action) => {
    await given(grant)
    await Promise.all([run(by(who, action, grant)), run(by(who, action, grant))])
    expect(await events()).toBe(2)
  })

  test('says a name as Slack may show it, however it is written', async () => {
    const name = '<!channel> \u202e& `x` '.repeat(30).slice(0, 100)
    const hostile = await given({ ...pending, who: { ...pending.who, name } })
    for (const action of ['approve', 'deny'] as const) {
      const said = (await run(by(ben, action, hostile))) ?? ''
      expect(readContent({ text: said }).text).toBe(said)
      expect(said.replaceAll(/<!date[^>]*>/g, '')).not.toMatch(/[<>\u202e]/)
    }
  })
})

describe('Refused, with the reason in the log and in plain words', () => {
  test.each<[string, Reason, Grant, Person, ButtonAction]>([
    ['to take somebody else’s offer', 'not-yours', offered, cho, 'take'],
    ['to turn down somebody else’s offer', 'not-yours', offered, ben, 'decline'],
    ['to extend somebody else’s pass', 'not-yours', active, ben, 'extend'],
    ['to keep somebody else’s pass', 'not-yours', shortened, cho, 'keep'],
    ['to approve as one of another group', 'not-approver', pending, cho, 'approve'],
    ['to deny as one of no group', 'not-approver', pending, eve, 'deny'],
    ['to approve as one who has left', 'person-inactive', pending, fin, 'approve'],
    ['to approve one’s own request', 'own-request', pending, ana, 'approve'],
    ['to deny one’s own request', 'own-request', pending, ana, 'deny'],
    ['to take what is active', 'already-decided', active, ana, 'take'],
    ['to turn down what is active', 'already-decided', active, ana, 'decline'],
    ['to approve what is active', 'already-decided', active, ben, 'approve'],
    ['to deny what was given by itself', 'already-decided', active, ben, 'deny'],
    ['to keep what nobody takes away', 'already-decided', active, ana, 'keep'],
    ['to extend what is only offered', 'grant-unknown', offered, ana, 'extend'],
    ['to extend what ends with its incident', 'pass-ending', shortened, ana, 'extend'],
  ])('%s', async (_, reason, grant, who, action) => {
    await given(grant)
    await isRefused(by(who, action, grant), reason, reasons[reason].person)
    expect(refusals()[0]).toMatchObject({ grant: grant.id })
  })

  test('to approve one’s own request with the groups it takes', async () => {
    const own = await given({ ...pending, who: { issuer: ben.issuer, subject: ben.subject, name: ben.name } })
    await isRefused(by(ben, 'approve', own), 'own-request', reasons['own-request'].person)
  })

  test('to approve what its asker may not have any more, in words about them', async () => {
    const asked = await given({ ...pending, why: { kind: 'request', rule: 'on_request[1]' } })
    const said = 'The rules do not let them have this any more.'
    await isRefused(by(ben, 'approve', asked), 'not-eligible', said)
  })

  test('to approve what somebody asked for who has left, in words about them', async () => {
    const asked = await given({
      ...pending,
      who: { issuer: fin.issuer, subject: fin.subject, name: fin.name },
    })
    const said = 'Whoever asked for this is not active any more.'
    await isRefused(by(ben, 'approve', asked), 'person-inactive', said)
  })

  test('to take an offer that the rules no longer make', async () => {
    const old = await given({ ...offered, tier: 'admin' })
    await isRefused(by(ana, 'take', old), 'not-eligible', reasons['not-eligible'].person)
  })

  test.each<[string, Grant, EndCause, Person, ButtonAction, Reason]>([
    ['what was withdrawn', offered, 'withdrawn', ana, 'take', 'already-decided'],
    ['what was denied', pending, 'denied', ben, 'approve', 'already-decided'],
    ['what lapsed', pending, 'lapsed', ben, 'deny', 'already-decided'],
    ['what was revoked', shortened, 'revoked', ana, 'keep', 'already-decided'],
    ['what ran out', active, 'expired', ana, 'extend', 'grant-unknown'],
  ])('after the end: %s', async (_, grant, cause, who, action, reason) => {
    await given(grant)
    await end(grant, cause)
    await isRefused(by(who, action, grant), reason, reasons[reason].person)
  })

  test.each<[string, Grant, Person, ButtonAction]>([
    ['an offer', offered, ana, 'take'],
    ['a request', pending, ben, 'approve'],
    ['a pass to keep', shortened, ana, 'keep'],
  ])(
    'at the moment that the time of %s is over, though nobody ended it yet',
    async (_, grant, who, action) => {
      await given(grant)
      clock.set(grant.until)
      await isRefused(by(who, action, grant), 'already-decided', reasons['already-decided'].person)
    },
  )
})

describe('A button that nobody was sent', () => {
  const forged: readonly [string, (grant: Grant) => string][] = [
    ['with the proof of another grant', (it) => buttonValue({ ...active, id: it.id }, 'take', ana)],
    [
      'of another grant under this one’s id',
      (it) => buttonValue(active, 'take', ana).replace(active.id, it.id),
    ],
    ['with the proof of another action', (it) => buttonValue(it, 'decline', ana)],
    ['that was sent to somebody else', (it) => buttonValue(it, 'take', ben)],
    [
      'that was sent to their Slack account, not to them',
      (it) => buttonValue(it, 'take', { issuer: home, subject: 'U0ANA00001' }),
    ],
    ['cut short', (it) => buttonValue(it, 'take', ana).slice(0, -1)],
    [
      'with one letter changed',
      (it) => buttonValue(it, 'take', ana).replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
    ],
    ['with something behind it', (it) => `${buttonValue(it, 'take', ana)}=`],
    ['with a line break behind it', (it) => `${buttonValue(it, 'take', ana)}\n`],
    ['with the id alone', (it) => it.id],
    ['with the id and an empty proof', (it) => `${it.id}.`],
    ['with nothing', () => ''],
    ['with the nonce left out', (it) => buttonValue({ ...it, nonce: '' }, 'take', ana)],
    ['of a grant that never was', () => buttonValue({ ...offered, id: nthId(99) }, 'take', ana)],
    ['with the name of what every object has', () => `__proto__.${'A'.repeat(43)}`],
    ['of a megabyte', () => 'x'.repeat(1_000_000)],
  ]

  test.each(forged)('does nothing, and says nothing: %s', async (_, value) => {
    await given(offered)
    await given(active)
    await isRefused(by(ana, 'take', offered, { value: value(offered) }), 'button-unknown', undefined)
  })

  test.each(forged)('does nothing to what has ended either: %s', async (_, value) => {
    await given(offered)
    await end(offered, 'withdrawn')
    await isRefused(by(ana, 'take', offered, { value: value(offered) }), 'button-unknown', undefined)
  })

  test('decides nothing for another approver than it was sent to', async () => {
    const two = await given({ ...pending, approvers: { from: ['sre'], count: 2 } })
    const bens = by(ben, 'approve', two)
    expect(await run(bens)).toBe('Approved by you. It takes 1 more.')
    const asZoe = by(zoe, 'approve', two, { value: bens.value })
    await isRefused(asZoe, 'button-unknown', undefined)
    expect(refusals()[0]).toMatchObject({ grant: two.id })
    expect(await standing(two)).toMatchObject({ state: 'pending', approvals: [{ subject: 'idp-ben' }] })
    expect(await run(by(zoe, 'approve', two))).toContain('Approved: Ana Lopes has')
  })

  test('has no use for another action', async () => {
    await given(pending)
    for (const action of buttonActions.filter((one) => one !== 'deny')) {
      log = keptLog()
      expect(await run({ ...by(ben, 'deny', pending), action })).toBeUndefined()
    }
    expect(await standing(pending)).toMatchObject({ version: 1 })
  })
})

describe('Whom the directory does not know', () => {
  test('is told so in our workspace', async () => {
    await given(offered)
    const click = by(ana, 'take', offered, { user: 'U0DAN00001' })
    await isRefused(click, 'person-unknown', reasons['person-unknown'].person)
  })

  test.each([
    ['another account', 'U0SAM00001'],
    ['the id of one of ours', 'U0ANA00001'],
  ])('hears nothing in another workspace, with %s', async (_, user) => {
    await given(offered)
    await isRefused(by(ana, 'take', offered, { team: 'T0ELSEWHERE', user }), 'person-unknown', undefined)
  })

  test('learns nothing from a button: it is not even looked at', async () => {
    const dan = by(ana, 'take', offered, { user: 'U0DAN00001', value: 'forged' })
    await isRefused(dan, 'person-unknown', reasons['person-unknown'].person)
  })
})

describe('The button of an earlier version', () => {
  test('still takes an offer that moved to another incident', async () => {
    await given(offered)
    await next(offered, 'moved', { why: { ...pageWhy('Q2'), mergedFrom: 'Q1' } })
    expect(await run(by(ana, 'take', offered))).toContain('You have a pass')
  })

  test('still extends a pass whose incident came back', async () => {
    await given(shortened)
    await next(shortened, 'restored', { until: noon + hour })
    expect(await run(by(ana, 'extend', shortened))).toContain('Extended by 1h')
  })

  test('says why it extends nothing once it was kept', async () => {
    await given(shortened)
    await next(shortened, 'restored', { until: noon + hour, kept: true })
    await isRefused(by(ana, 'extend', shortened), 'pass-ending', reasons['pass-ending'].person)
  })

  test('says why it keeps nothing any more once it was kept', async () => {
    await given(shortened)
    await next(shortened, 'restored', { until: noon + hour, kept: true })
    await isRefused(by(ana, 'keep', shortened), 'already-decided', reasons['already-decided'].person)
  })

  test('says why it extends nothing when others approved the pass', async () => {
    await given(pending)
    await run(by(ben, 'approve', pending))
    await isRefused(by(ana, 'extend', pending), 'approval-needed', reasons['approval-needed'].person)
  })
})

describe('While passes can’t be changed', () => {
  const sorry =
    /^Passes can’t be changed right now\. \((?:Redis does not answer|something went wrong here)\) Try again in a minute\.$/

  test('a click says so in plain words when Redis is away', async () => {
    await given(offered)
    prompt.disconnect()
    expect(await run(by(ana, 'take', offered))).toMatch(sorry)
    expect(log.lines().at(-1)).toMatchObject({ msg: 'a click failed', action: 'take' })
    tellsNoSecret(buttonValue(offered, 'take', ana))
  })

  test('a click says so when Redis refuses the write, and the log holds no statement', async () => {
    await given(offered)
    await live.catchUp()
    await database.redis.hset(names.versions, offered.id, 'broken')
    await database.redis.del(names.epoch)
    expect(await run(by(ana, 'take', offered))).toMatch(sorry)
    expect(log.lines().at(-1)).toMatchObject({ level: 'error' })
    tellsNoSecret(buttonValue(offered, 'take', ana))
  })
})
