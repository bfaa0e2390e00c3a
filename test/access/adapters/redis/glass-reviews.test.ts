import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { createGlassReviews } from '#access/adapters/redis/glass-reviews.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Grant } from '#access/domain/grant.ts'
import { principalKey } from '#access/domain/principal.ts'
import { aGrant, freshDatabase, freshKeys, frozenClock, noon, nthId } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let keys: Awaited<ReturnType<typeof freshKeys>>
beforeAll(async () => {
  ;[database, keys] = await Promise.all([freshDatabase(inject('redisUrl'), 136), freshKeys()])
})
beforeEach(() => database.redis.flushdb())
afterAll(() => database.close())

const aBot = () =>
  createGlassReviews(database.redis, createStatements(keys.bot), 'sandbox', frozenClock(noon))
const [one, two] = [aGrant({ id: nthId(1) }), aGrant({ id: nthId(2) })]
const ana = principalKey(one.who)
const ben = { ...one.who, subject: 'idp-ben', name: 'Ben Okafor' }
const stored = (field: string) => database.redis.hget(names.glassReviews, field)

test('One break-glass pass of each waits for its review, until that one is reviewed', async () => {
  const [here, there] = [aBot(), aBot()]
  expect(await here.waiting(ana)).toBeUndefined()
  expect(await here.begin(ana, one.id)).toBe(true)
  expect(await there.begin(ana, one.id)).toBe(true)
  expect(await there.begin(ana, two.id)).toBe(false)
  expect(await there.begin(principalKey(ben), two.id)).toBe(true)
  expect(await there.done(two, ben)).toBe(false)
  expect(await here.waiting(ana)).toBe(one.id)
  expect(await there.done(one, ben)).toBe(true)
  expect(await here.done(one, ben)).toBe(false)
  expect([await here.reviewed(ana, one.id), await here.waiting(ana)]).toEqual([true, undefined])
  const review = await createStatements(keys.proxy).verify('review', (await stored(one.id)) ?? '')
  expect(review).toEqual({ environment: 'sandbox', grant: one.id, who: one.who, by: ben, at: noon })
  expect(await here.begin(ana, two.id)).toBe(true)
})

const review = (of: Grant, changes: object = {}, by = keys.bot): Promise<string> =>
  createStatements(by).sign('review', {
    environment: 'sandbox',
    grant: of.id,
    who: of.who,
    by: ben,
    at: noon,
    ...changes,
  })
const forged: Readonly<Record<string, () => Promise<string>>> = {
  'in words': async () => 'reviewed',
  'signed by somebody else': async () => review(one, {}, (await freshKeys()).bot),
  'of another pass': () => review(two),
  'of a pass of somebody else': () => review(one, { who: ben, by: one.who }),
  'by whoever did it': () => review(one, { by: one.who }),
  'of another environment': () =>
    review(one, { environment: 'elsewhere' }, { ...keys.bot, environment: 'elsewhere' }),
}

test.each(Object.keys(forged))(
  'A review that somebody wrote into Redis %s lets nobody do it again',
  async (how) => {
    await aBot().begin(ana, one.id)
    await database.redis.hset(names.glassReviews, one.id, (await forged[how]?.()) ?? '')
    const bot = aBot()
    expect([await bot.waiting(ana), await bot.begin(ana, two.id)]).toEqual([one.id, false])
  },
)

test('What a bot knew to wait goes on waiting where Redis forgets it, or shows one that was reviewed', async () => {
  const bot = aBot()
  await bot.begin(ana, one.id)
  await bot.done(one, ben)
  await bot.begin(ana, two.id)
  await database.redis.hdel(names.glassReviews, ana)
  expect(await bot.begin(ana, nthId(3))).toBe(false)
  await database.redis.hset(names.glassReviews, ana, one.id)
  expect([await bot.waiting(ana), await bot.begin(ana, nthId(3))]).toEqual([two.id, false])
  expect(await bot.done(two, ben)).toBe(true)
  expect(await bot.begin(ana, nthId(3))).toBe(true)
})

test('A review by a key that was revoked is none any more, and somebody else can make it anew', async () => {
  const bot = aBot()
  await bot.begin(ana, one.id)
  await bot.done(one, ben)
  const next = await freshKeys()
  const own = next.bot.own.get('issue')
  const published = next.bot.trusted.get('bot-issue-1')
  if (own === undefined || published === undefined) return expect.fail('no such key')
  const kid = 'bot-issue-2'
  const renewed = {
    ...keys.bot,
    own: new Map([['issue', { ...own, kid }]] as const),
    trusted: new Map([...keys.bot.trusted, [kid, { ...published, kid }]]),
    revoked: new Set(['bot-issue-1']),
  }
  const after = createGlassReviews(database.redis, createStatements(renewed), 'sandbox', frozenClock(noon))
  expect(await after.waiting(ana)).toBe(one.id)
  expect(await after.done(one, ben)).toBe(true)
  expect(await after.begin(ana, two.id)).toBe(true)
})
