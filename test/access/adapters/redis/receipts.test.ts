import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { followReceipts } from '#access/adapters/redis/receipts.ts'
import { readReport, writeReports } from '#access/adapters/redis/reports.ts'
import type { Report } from '#access/domain/report.ts'
import { freshDatabase, keptAlarms, until } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
const stops: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 25)
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
const report = (...reports: Report[]) => writeReports(database.redis, reports)

/** Follows, and waits until everything reported so far was read. */
const follow = async () => {
  const patient = database.connect()
  const cursors = vi.spyOn(patient, 'call')
  const { receipts, stop } = followReceipts(database.redis, patient, 900_000, keptAlarms().alarm)
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
    await database.redis.xadd(names.reports, aMinuteAgo, 'report', JSON.stringify(alive('b')))
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

describe('A report', () => {
  test.each<[string, Report]>([
    ['alive', alive('a')],
    ['gone', gone('a')],
    ['confirmed', confirmed('a', 1, 2)],
    [
      'usage',
      {
        kind: 'usage',
        proxy: 'a',
        boot: 'b',
        grant: 'g',
        number: 1,
        usage: { patterns: {}, writes: 0, refused: {} },
      },
    ],
  ])('of kind %s is read as it was written', (_, one) => {
    expect(readReport(['report', JSON.stringify(one)])).toEqual(one)
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['another kind', JSON.stringify({ kind: 'grant', proxy: 'a', boot: 'b' })],
    ['a field too many', JSON.stringify({ ...alive('a'), admin: true })],
    ['a negative cut', JSON.stringify(confirmed('a', 1, -1))],
  ])('that is %s is none', (_, text) => {
    expect(readReport(['report', text])).toBeUndefined()
  })
})
