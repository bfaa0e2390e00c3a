import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createUsageStore } from '#access/adapters/redis/usage-store.ts'
import type { Report } from '#access/domain/report.ts'
import { freshDatabase } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 26)
})
beforeEach(() => database.redis.flushdb())
afterAll(() => database.close())

const usage = (requests: number) => ({
  patterns: { 'GET /**': { 200: requests } },
  writes: requests,
  refused: {},
})
const report = (boot: string, number: number, requests: number): Extract<Report, { kind: 'usage' }> => ({
  kind: 'usage',
  proxy: 'a',
  boot,
  grant: 'aaaa-bbbb-cccc',
  number,
  usage: usage(requests),
})

describe('The usage of a grant', () => {
  test.each<[string, readonly ReturnType<typeof report>[], number]>([
    ['the newest of a process’s cumulative reports', [report('x', 1, 2), report('x', 2, 5)], 5],
    ['not changed by a report that comes late', [report('x', 2, 5), report('x', 1, 2)], 5],
    ['not changed by a report that comes twice', [report('x', 2, 5), report('x', 2, 5)], 5],
    ['not changed by a report that reuses a number', [report('x', 2, 5), report('x', 2, 50)], 5],
    ['compared by number, not by text', [report('x', 9, 2), report('x', 10, 5)], 5],
    ['the sum over processes', [report('x', 1, 2), report('y', 1, 3), report('y', 2, 4)], 6],
    ['nothing, where nothing was reported', [], 0],
  ])('is %s', async (_, reports, requests) => {
    const store = createUsageStore(database.redis)
    for (const one of reports) await store.put(one)
    const sum = await store.of('aaaa-bbbb-cccc')
    expect(sum).toEqual(requests === 0 ? { patterns: {}, writes: 0, refused: {} } : usage(requests))
  })

  test('is kept apart from that of other grants', async () => {
    const store = createUsageStore(database.redis)
    await store.put(report('x', 1, 2))
    expect((await store.of('dddd-eeee-ffff')).writes).toBe(0)
  })

  test('is the same whatever comes at once', async () => {
    const store = createUsageStore(database.redis)
    await Promise.all(Array.from({ length: 30 }, (_, index) => store.put(report('x', index + 1, index + 1))))
    expect((await store.of('aaaa-bbbb-cccc')).writes).toBe(30)
  })
})
