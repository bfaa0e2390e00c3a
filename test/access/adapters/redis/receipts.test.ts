import { CompactSign } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import type { PrivateKey } from '#access/adapters/keys.ts'
import { names } from '#access/adapters/redis/names.ts'
import { followReceipts } from '#access/adapters/redis/receipts.ts'
import { provenReports, readReports, writeReports } from '#access/adapters/redis/reports.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Report } from '#access/domain/report.ts'
import { freshDatabase, freshKeys, keptAlarms, until } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let keys: Awaited<ReturnType<typeof freshKeys>>
const stops: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 25)
  keys = await freshKeys()
})
beforeEach(() => database.redis.flushdb())
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => database.close())

const alive = (proxy: string): Report => ({ kind: 'alive', proxy, boot: `${proxy}-boot` })
const gone = (proxy: string): Report => ({ kind: 'gone', proxy, boot: `${proxy}-boot` })
const confirmed = (proxy: string, sequence: number, cut = 0): Report => ({
  kind: 'confirmed',
  proxy,
  boot: `${proxy}-boot`,
  sequence,
  cut,
})
const report = (...reports: Report[]) =>
  writeReports(database.redis, createStatements(keys.proxy), 'sandbox', reports)

const signedBy = (key: PrivateKey | undefined, body: object): Promise<string> => {
  if (key === undefined) throw new Error('there is no such key')
  return new CompactSign(new TextEncoder().encode(JSON.stringify(body)))
    .setProtectedHeader({ alg: key.alg, typ: 'pagepass-reports+jws', kid: key.kid })
    .sign(key.key)
}

/** Follows, and waits until everything reported so far was read. */
const follow = async (alarm = keptAlarms().alarm) => {
  const patient = database.connect()
  const cursors = vi.spyOn(patient, 'call')
  const { receipts, stop } = followReceipts(
    database.redis,
    patient,
    createStatements(keys.bot),
    900_000,
    alarm,
  )
  stops.push(stop)
  const [newest] = await database.redis.xrevrange(names.reports, '+', '-', 'COUNT', 1)
  await until(
    () => newest === undefined || cursors.mock.lastCall?.at(-1) === newest[0],
    'it has read what there is',
  )
  return receipts
}

describe('A receipt', () => {
  test('names the proxies that confirmed and sums up what they cut', async () => {
    await report(alive('a'), alive('b'), confirmed('a', 7, 3), confirmed('b', 7, 1), confirmed('b', 8, 9))
    const receipts = await follow()
    expect(await receipts.of(7)).toEqual({ confirmed: ['a', 'b'], missing: [], streamsCut: 4 })
  })

  // It waits for a moment only, which a machine that stands still may miss.
  test('waits for those that have not confirmed yet', { retry: 3 }, async () => {
    await report(alive('a'), alive('b'), confirmed('a', 7))
    const receipts = await follow()
    const waited = receipts.of(7)
    await report(confirmed('b', 7, 2))
    expect(await waited).toEqual({ confirmed: ['a', 'b'], missing: [], streamsCut: 2 })
  })

  test('names a proxy that lives and does not confirm, when the time is over', async () => {
    await report(alive('a'), alive('b'), confirmed('a', 7))
    const receipts = await follow()
    expect(await receipts.of(7)).toEqual({ confirmed: ['a'], missing: ['b'], streamsCut: 0 })
  })

  test('names a proxy that has said nothing for a minute: it may be cut off, and goes on', async () => {
    const [seconds] = await database.redis.time()
    const aMinuteAgo = `${(Number(seconds) - 60) * 1_000}-0`
    await report(alive('b'))
    const [[, fields] = ['', []]] = await database.redis.xrange(names.reports, '-', '+')
    await database.redis.del(names.reports)
    await database.redis.xadd(names.reports, aMinuteAgo, ...fields)
    await report(alive('a'), confirmed('a', 7))
    const receipts = await follow()
    expect(await receipts.of(7)).toEqual({ confirmed: ['a'], missing: ['b'], streamsCut: 0 })
  })

  test('expects nothing of a proxy that said goodbye', async () => {
    await report(alive('a'), alive('b'), gone('b'), confirmed('a', 7))
    const receipts = await follow()
    expect(await receipts.of(7)).toEqual({ confirmed: ['a'], missing: [], streamsCut: 0 })
  })

  test('counts a confirmation once that came twice', async () => {
    await report(alive('a'), confirmed('a', 7, 2), confirmed('a', 7, 2))
    const receipts = await follow()
    expect(await receipts.of(7)).toEqual({ confirmed: ['a'], missing: [], streamsCut: 2 })
  })

  test('does not take the confirmation of one event for another', async () => {
    await report(alive('a'), confirmed('a', 6))
    const receipts = await follow()
    expect((await receipts.of(7)).missing).toEqual(['a'])
  })

  test('says so when there is no proxy at all', async () => {
    const receipts = await follow()
    expect(await receipts.of(7)).toEqual({ confirmed: [], missing: [], streamsCut: 0 })
  })

  test('is not disturbed by what is no report', async () => {
    await report(alive('a'))
    await database.redis.xadd(names.reports, '*', 'report', 'not JSON')
    await database.redis.xadd(names.reports, '*', 'report', JSON.stringify({ kind: 'confirmed', proxy: 'a' }))
    await report(confirmed('a', 7))
    const receipts = await follow()
    expect((await receipts.of(7)).confirmed).toEqual(['a'])
  })
})

describe('Reports', () => {
  const said: Report[] = [
    alive('a'),
    gone('a'),
    confirmed('a', 1, 2),
    {
      kind: 'usage',
      proxy: 'a',
      boot: 'b',
      grant: 'g',
      number: 1,
      usage: { patterns: {}, writes: 0, refused: {} },
    },
  ]
  const entries = async () =>
    (await database.redis.xrange(names.reports, '-', '+')).map(([, fields]) => fields)
  const bot = () => createStatements(keys.bot)

  test('are read as they were written, however many at once', async () => {
    await report(...Array.from({ length: 60 }, () => said).flat())
    const all = await Promise.all((await entries()).map((fields) => provenReports(bot(), fields)))
    expect(all.flat()).toEqual(Array.from({ length: 60 }, () => said).flat())
    expect((await entries()).flatMap(readReports)).toEqual(all.flat())
  })

  test.each<[string, object]>([
    ['another kind', { kind: 'grant', proxy: 'a', boot: 'b' }],
    ['a field too many', { ...alive('a'), admin: true }],
    ['a negative cut', confirmed('a', 1, -1)],
  ])('one of which is %s are none', async (_, one) => {
    await report(one as Report)
    const [fields = []] = await entries()
    expect(fields).toHaveLength(2)
    expect(await provenReports(bot(), fields)).toBeUndefined()
    expect(readReports(fields)).toEqual([])
  })

  test.each<[string, (all: Awaited<ReturnType<typeof freshKeys>>) => Promise<string>]>([
    ['nobody signed', async () => JSON.stringify(alive('a'))],
    [
      'somebody else signed',
      async ({ bot }) => signedBy(bot.own.get('end'), { environment: 'sandbox', reports: said }),
    ],
    [
      'are of another environment',
      async ({ proxy }) => signedBy(proxy.own.get('report'), { environment: 'other', reports: said }),
    ],
    [
      'the key signed that services trust',
      async ({ proxy }) => signedBy(proxy.own.get('assertion'), { environment: 'sandbox', reports: said }),
    ],
  ])('that %s are none', async (_, forge) => {
    expect(await provenReports(bot(), ['statement', await forge(keys)])).toBeUndefined()
  })

  test('that are forged confirm nothing, send nobody away, and are told', async () => {
    await report(alive('a'), alive('b'), confirmed('a', 7))
    for (const one of [confirmed('b', 7), gone('b')]) {
      const forged = await signedBy(keys.bot.own.get('end'), { environment: 'sandbox', reports: [one] })
      await database.redis.xadd(names.reports, '*', 'statement', forged)
      await database.redis.xadd(names.reports, '*', 'report', JSON.stringify(one))
    }
    const alarms = keptAlarms()
    const receipts = await follow(alarms.alarm)
    expect((await receipts.of(7)).missing).toEqual(['b'])
    expect(alarms.all).toEqual(Array.from({ length: 4 }, () => 'reports that no proxy has signed'))
  })

  test('of an earlier life that are shown again speak for no other', async () => {
    const earlier = { proxy: 'a', boot: 'earlier' }
    await report({ kind: 'alive', ...earlier }, { kind: 'gone', ...earlier })
    const [[, fields] = ['', []]] = await database.redis.xrange(names.reports, '-', '+')
    await report(alive('a'))
    await database.redis.xadd(names.reports, '*', ...fields)
    const receipts = await follow()
    expect((await receipts.of(7)).missing).toEqual(['a'])
  })
})
