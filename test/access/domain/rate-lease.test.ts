import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLeasedBucket, type RateLimit } from '#access/domain/rate-lease.ts'
import { createFleet, type RateFleet, steadily } from '../../builders/rate-fleet.ts'
import { noon } from '../../builders.ts'

const alone = (): number => 1
/** How many are to be had at this moment. */
const takenAt = (bucket: { take: (at: number) => number }, at: number): number => {
  let count = 0
  while (count < 1_000 && bucket.take(at) === 0) count += 1
  return count
}

describe('The bucket of a process', () => {
  const limit: RateLimit = { rate: 10, burst: 20 }
  /** One that holds such a lease. */
  const leased = (rate: number, tokens: number, fleet = alone, onNeed?: () => void) => {
    const bucket = createLeasedBucket(limit, fleet, noon, onNeed)
    takenAt(bucket, noon)
    bucket.report(noon)
    bucket.renewed({ rate, tokens, spare: 0, held: 0 }, noon)
    return bucket
  }

  test.each([
    ['the whole burst, to the only one', 1, 20],
    ['a part of the burst', 4, 5],
    ['at least one, however many share', 100, 1],
  ])('lets through at first %s', (_, fleet, count) => {
    const bucket = createLeasedBucket(limit, () => fleet, noon)
    expect(takenAt(bucket, noon)).toBe(count)
    expect(bucket.take(noon)).toBeGreaterThan(0)
  })

  test('flows at the rate of its lease, to its part of the burst, also when no other lease comes', () => {
    const bucket = leased(5, 3)
    expect(takenAt(bucket, noon)).toBe(3)
    expect(takenAt(bucket, noon + 199)).toBe(0)
    expect(takenAt(bucket, noon + 200)).toBe(1)
    expect(takenAt(bucket, noon + 1_200)).toBe(5)
    expect(takenAt(bucket, noon + 3_600_000)).toBe(10)
  })

  test('of less than one a second still lets one through', () => {
    const bucket = createLeasedBucket({ rate: 0.5, burst: 1 }, alone, noon)
    bucket.report(noon)
    expect(bucket.take(noon)).toBe(0)
    bucket.report(noon)
    bucket.renewed({ rate: 0.5, tokens: 0, spare: 0, held: 0 }, noon)
    expect(bucket.take(noon)).toBe(2_000)
    expect(bucket.take(noon + 1_999)).toBe(1)
    expect(bucket.take(noon + 2_000)).toBe(0)
  })

  test('says how long to wait by its own part, and no longer than by the whole rate a second from now', () => {
    expect(leased(10, 0).take(noon)).toBe(100)
    expect(leased(2, 0).take(noon)).toBe(500)
    expect(leased(0.01, 0).take(noon)).toBe(1_100)
    expect(leased(0, 0).take(noon)).toBe(1_100)
  })

  test('is not filled by a clock that goes back', () => {
    const bucket = leased(10, 0)
    expect(bucket.take(noon - 60_000)).toBeGreaterThan(0)
    expect(bucket.take(noon)).toBeGreaterThan(0)
  })

  test('is no more than its limit, whatever a lease says', () => {
    const bucket = leased(1e9, 1e9)
    expect(takenAt(bucket, noon)).toBe(20)
    expect(takenAt(bucket, noon + 1_000)).toBe(10)
  })

  test('reports what it spent of what no lease gave it, once', () => {
    const bucket = createLeasedBucket(limit, alone, noon)
    for (let count = 0; count < 3; count += 1) bucket.take(noon)
    expect(bucket.report(noon).change).toBe(-20)
    bucket.renewed({ rate: 10, tokens: 0, spare: 0, held: 0 }, noon)
    expect(bucket.report(noon).change).toBe(17)
  })

  test('keeps what it has while it asks for a lease, and pays with the lease for what it spends meanwhile', () => {
    const bucket = leased(10, 6)
    expect(bucket.report(noon).change).toBe(6)
    expect([bucket.take(noon), bucket.take(noon)]).toEqual([0, 0])
    bucket.renewed({ rate: 10, tokens: 5, spare: 0, held: 0 }, noon)
    expect(takenAt(bucket, noon)).toBe(3)
  })

  test('that hears no answer loses what it gave back, and keeps its rate', () => {
    const bucket = leased(5, 6)
    bucket.report(noon)
    bucket.lost(noon)
    expect(takenAt(bucket, noon)).toBe(0)
    expect(takenAt(bucket, noon + 1_000)).toBe(5)
    // It can't know, so it gives nothing back twice, and loses nothing twice.
    expect(bucket.report(noon + 1_400).change).toBe(0)
    bucket.lost(noon + 1_400)
    expect(takenAt(bucket, noon + 1_400)).toBe(2)
  })

  test('with a lease of nothing goes on with a small part once nobody leases any more', () => {
    const bucket = leased(0, 0)
    expect(takenAt(bucket, noon + 60_000)).toBe(0)
    bucket.cutOff(noon + 60_000)
    expect(takenAt(bucket, noon + 61_600)).toBe(1)
    expect(takenAt(bucket, noon + 63_200)).toBe(1)
  })

  test('with the larger part keeps it once nobody leases any more', () => {
    const bucket = leased(10, 10)
    takenAt(bucket, noon)
    bucket.cutOff(noon)
    expect(takenAt(bucket, noon + 1_000)).toBe(10)
  })

  test('reports its demand with what it refused, up to the rate, and less and less of it when it ends', () => {
    const bucket = leased(1, 0)
    const demands = [2, 500, 0, 0, 0, 0, 0].map((count, index) => {
      const at = noon + (index + 1) * 250
      for (let turn = 0; turn < count; turn += 1) bucket.take(at)
      const { demand } = bucket.report(at)
      bucket.renewed({ rate: 1, tokens: 0, spare: 0, held: 0 }, at)
      return demand
    })
    expect(demands).toEqual([8, 10, 2.5, 0.625, 0.15625, 0, 0])
  })

  test('that is not asked for any more holds no lease, and may begin with what the fleet has', () => {
    const bucket = leased(10, 5, () => 2)
    const rest = (spare: number, at: number): void => {
      bucket.report(at)
      bucket.renewed({ rate: 0, tokens: 0, spare, held: 0 }, at)
    }
    expect(bucket.isIdle()).toBe(false)
    rest(3, noon + 1_000)
    rest(3, noon + 2_000)
    expect([bucket.isIdle(), bucket.isLikeNew()]).toEqual([true, false])
    expect(takenAt(bucket, noon + 2_000)).toBe(3)
    expect(bucket.report(noon + 2_250)).toMatchObject({ change: -3 })
    bucket.renewed({ rate: 1, tokens: 0, spare: 0, held: 0 }, noon + 2_250)
    rest(20, noon + 3_500)
    rest(20, noon + 4_500)
    expect(bucket.isLikeNew()).toBe(true)
    expect(takenAt(bucket, noon + 4_500)).toBe(10)
    expect(bucket.isLikeNew()).toBe(false)
  })

  test('in debt lets nothing through', () => {
    const bucket = leased(0, 0)
    bucket.report(noon + 2_000)
    bucket.renewed({ rate: 0, tokens: 0, spare: -5, held: 0 }, noon + 2_000)
    expect(takenAt(bucket, noon + 2_000)).toBe(0)
  })

  test('asks for its first lease at the first request, once per report', () => {
    let needs = 0
    const bucket = createLeasedBucket(limit, alone, noon, () => {
      needs += 1
    })
    expect(needs).toBe(0)
    takenAt(bucket, noon)
    expect(needs).toBe(1)
    bucket.report(noon)
    bucket.take(noon)
    expect(needs).toBe(2)
  })

  test('gives back everything in the end', () => {
    const bucket = leased(10, 6)
    bucket.take(noon)
    expect(bucket.surrender(noon)).toEqual({ change: 5, demand: 0 })
    expect(bucket.take(noon)).toBeGreaterThan(0)
  })
})

/** What the bar allows in that time: the burst, the rate and a tenth more, and one lease for each process. */
const bar = ({ rate, burst }: RateLimit, processes: number, ms: number): number => {
  const lease = 1 + (burst + rate * 0.25) / processes
  return burst + (1.1 * rate * ms) / 1_000 + processes * lease
}

const expectWithinBar = (fleet: RateFleet, limit: RateLimit, processes: number): void => {
  const counts = fleet.bySecond()
  for (let from = 0; from < counts.length; from += 1) {
    let sum = 0
    for (let to = from; to < counts.length; to += 1) {
      sum += counts[to] ?? 0
      expect(sum, `seconds ${from} to ${to}: ${counts}`).toBeLessThanOrEqual(
        bar(limit, processes, (to - from + 1) * 1_000),
      )
    }
  }
}

const aLimit = fc.record({
  rate: fc.oneof(fc.constantFrom(1 / 30, 0.5, 3, 1_000), fc.integer({ min: 5, max: 200 })),
  burst: fc.integer({ min: 1, max: 300 }),
})
/** Who gets the requests of each second; several get them in turns. */
const someDemand = fc.array(
  fc.record({
    to: fc.array(fc.nat(7), { minLength: 1, maxLength: 8 }),
    times: fc.constantFrom(0, 0.3, 0.9, 1.5, 4),
    what: fc.constantFrom('nothing', 'nothing', 'kill', 'join'),
  }),
  { minLength: 3, maxLength: 15 },
)

const run = (
  fleet: RateFleet,
  { rate }: RateLimit,
  demand: readonly { readonly to: readonly number[]; readonly times: number; readonly what: string }[],
): number => {
  let most = fleet.processes.length
  for (const { to, times, what } of demand) {
    if (what === 'kill' && fleet.processes.length > 1) fleet.kill(to[0] ?? 0)
    if (what === 'join') {
      fleet.join()
      most += 1
    }
    let turn = 0
    const send = steadily(fleet, Math.max(times * rate, times * 4), () => {
      turn += 1
      return to[turn % to.length] ?? 0
    })
    fleet.pass(1_000, send)
  }
  return most
}

describe('A fleet', () => {
  test('never lets through more than the bar, wherever the demand is and whoever comes or dies', () => {
    fc.assert(
      fc.property(aLimit, fc.integer({ min: 1, max: 8 }), someDemand, (limit, size, demand) => {
        const fleet = createFleet(limit, size)
        expectWithinBar(fleet, limit, run(fleet, limit, demand))
      }),
      { numRuns: 150 },
    )
  })

  test('never does so on a slow line that loses answers either', () => {
    fc.assert(
      fc.property(
        aLimit,
        fc.integer({ min: 1, max: 8 }),
        someDemand,
        fc.record({ latency: fc.integer({ min: 1, max: 60 }), losesOneIn: fc.integer({ min: 3, max: 20 }) }),
        (limit, size, demand, weather) => {
          const fleet = createFleet(limit, size, weather)
          expectWithinBar(fleet, limit, run(fleet, limit, demand))
        },
      ),
      { numRuns: 100 },
    )
  })

  test('refuses nobody who asks a quarter as often as allowed, whichever processes that comes to', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.array(fc.nat(7), { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 8 }),
        (size, seconds) => {
          const fleet = createFleet({ rate: 80, burst: 80 }, size)
          for (const to of seconds) {
            let turn = 0
            const waits: number[] = []
            fleet.pass(1_000, (now) => {
              if (now % 50 !== 0) return
              turn += 1
              waits.push(fleet.request(to[turn % to.length] ?? 0))
            })
            expect(waits.filter((wait) => wait > 0)).toEqual([])
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test.each([1, 2, 3, 8])('of %i gives the whole rate to a lone client at one of them', (size) => {
    for (const limit of [
      { rate: 100, burst: 100 },
      { rate: 100, burst: 1 },
      { rate: 20, burst: 1 },
      { rate: 1_000, burst: 10 },
    ]) {
      const fleet = createFleet(limit, size)
      fleet.pass(
        11_000,
        steadily(fleet, limit.rate * 3, () => 0),
      )
      const counts = fleet.bySecond().slice(1, 11)
      expect(Math.min(...counts), String(counts)).toBeGreaterThanOrEqual(0.95 * limit.rate)
    }
  })

  test.each([1, 3, 8])(
    'of %i lets all through that stays below the rate and is spread as it likes',
    (size) => {
      const limit = { rate: 100, burst: 100 }
      const fleet = createFleet(limit, size)
      let turn = 0
      fleet.pass(
        10_000,
        steadily(fleet, 95, () => {
          turn += 1
          return turn
        }),
      )
      // The demand of the first moment is not known yet.
      expect(fleet.admitted(1_000)).toBe(9 * 95)
      expect(fleet.admitted()).toBeGreaterThanOrEqual(10 * 95 - 2)
    },
  )

  test.each([2, 8])('of %i follows a client that moves each second', (size) => {
    const limit = { rate: 100, burst: 100 }
    const fleet = createFleet(limit, size)
    fleet.pass(
      20_000,
      steadily(fleet, 300, (now) => Math.floor(now / 1_000)),
    )
    expectWithinBar(fleet, limit, size)
    expect(fleet.admitted()).toBeGreaterThanOrEqual(0.95 * 20 * limit.rate)
  })

  test('lets through somebody who comes seldom, each time to another', () => {
    const fleet = createFleet({ rate: 1 / 30, burst: 2 }, 8)
    for (let turn = 0; turn < 40; turn += 1) {
      expect(fleet.request(turn), `turn ${turn}`).toBe(0)
      fleet.pass(35_000)
    }
  })

  test.each([1, 2, 5, 12])('gives nothing to who comes to each in turn, %i seconds apart', (seconds) => {
    const limit = { rate: 1 / 30, burst: 2 }
    const fleet = createFleet(limit, 8)
    for (let turn = 0; turn < 600 / seconds; turn += 1) {
      fleet.request(turn)
      fleet.pass(seconds * 1_000)
    }
    expect(fleet.admitted()).toBeLessThanOrEqual(limit.burst + 8 + 600 * limit.rate)
    expect(fleet.admitted(300_000)).toBeLessThanOrEqual(1.1 * 300 * limit.rate + 1)
    expect(fleet.admitted(300_000)).toBeGreaterThanOrEqual(0.8 * 300 * limit.rate)
  })

  test('shares by the demand', () => {
    const limit = { rate: 100, burst: 10 }
    const fleet = createFleet(limit, 2)
    let counts = [0, 0]
    const count = (index: number): number => {
      if (fleet.processes[index] !== undefined && fleet.request(index) === 0)
        counts = counts.map((one, at) => (at === index ? one + 1 : one))
      return index
    }
    let due = 0
    fleet.pass(10_000, () => {
      for (due += 0.4; due >= 1; due -= 1) {
        count(0)
        count(0)
        count(0)
        count(1)
      }
    })
    const [most = 0, least = 0] = counts
    expect(most + least).toBeGreaterThan(0.95 * 1_000)
    // 300 a second count as the rate, which is 100.
    expect(most / least).toBeCloseTo(1, 0)
  })

  test('whose Redis is gone goes on at the rate, and does not take the time without for saved', () => {
    const limit = { rate: 100, burst: 100 }
    for (const size of [1, 3, 8]) {
      const fleet = createFleet(limit, size, { up: (at) => at < 5_000 || at >= 65_000 })
      let turn = 0
      fleet.pass(
        75_000,
        steadily(fleet, 400, () => {
          turn += 1
          return turn
        }),
      )
      expectWithinBar(fleet, limit, size)
      expect(fleet.admitted(10_000, 60_000)).toBeGreaterThanOrEqual(0.95 * 50 * limit.rate)
      expect(fleet.admitted(66_000, 75_000)).toBeGreaterThanOrEqual(0.9 * 9 * limit.rate)
    }
  })

  test('whose Redis is gone gives to who never had a lease no more than a small part', () => {
    const limit = { rate: 100, burst: 100 }
    const fleet = createFleet(limit, 8, { up: (at) => at < 5_000 })
    fleet.pass(
      5_000,
      steadily(fleet, 400, () => 0),
    )
    fleet.pass(
      20_000,
      steadily(fleet, 1_600, (now) => now),
    )
    const seven = 7 * (limit.burst / 8) + (7 / 16) * 20 * limit.rate
    expect(fleet.admitted(5_000)).toBeLessThanOrEqual(1.1 * (20 * limit.rate + seven))
    expect(fleet.admitted(5_000)).toBeGreaterThan(20 * limit.rate * 0.95)
  })

  test('without any Redis from the start serves everybody a little at once', () => {
    const fleet = createFleet({ rate: 100, burst: 100 }, 4, { up: () => false })
    for (let index = 0; index < 4; index += 1) expect(fleet.request(index)).toBe(0)
    fleet.pass(
      10_000,
      steadily(fleet, 1_000, (now) => now),
    )
    const limited = fleet.admitted()
    expect(limited).toBeGreaterThan((4 / 16) * 10 * 100 * 0.9)
    expect(limited).toBeLessThanOrEqual(100 + (4 / 16) * 10 * 100 + 4)
  })
})
