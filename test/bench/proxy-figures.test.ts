import { describe, expect, test } from 'vitest'
import { oneGrant, proxyFigures, type Sample } from './proxy-figures.ts'

const rounds = (...cpu: number[]): Sample[] =>
  cpu.map((each) => ({ cpu: each, rps: 1_000, p99: 5, closed: 1 }))
const memory = (rss: number) => ({ rss_before_gc: rss * 2, rss, heap_used: rss / 2, buffers: 10 })

describe('the figures of the proxy bench', () => {
  test('are medians, and ratios of medians: Pagepass ÷ the other', () => {
    const { cpu_us, ratios, ratios_of_quietest_rounds, closed } = proxyFigures({
      grants: 100_000,
      samples: new Map([
        ['haproxy', rounds(10, 20, 90)],
        ['pagepass', rounds(60, 50, 40)],
        [oneGrant, rounds(48, 50, 41)],
      ]),
      memory: new Map(),
    })
    expect(cpu_us).toEqual({ haproxy: 20, pagepass: 50, [oneGrant]: 48 })
    expect(ratios).toEqual({ haproxy: 2.5, grants_100k_over_1: 1.042 })
    expect(ratios_of_quietest_rounds).toEqual({ haproxy: 4, grants_100k_over_1: 0.976 })
    expect(closed).toBe(3)
  })

  test('tell the memory of a grant as the difference of two proxies, over the grants that only one has', () => {
    const figures = proxyFigures({
      grants: 1_001,
      samples: new Map(),
      memory: new Map([
        ['pagepass', memory(5_000_000)],
        [oneGrant, memory(3_000_000)],
      ]),
    })
    expect(figures.memory_per_grant_bytes).toBe(2_000)
    expect(figures.memory_per_grant_parts).toEqual({ rss_before_gc: 4_000, heap_used: 1_000, buffers: 0 })
  })

  test('leave out what was not measured', () => {
    const figures = proxyFigures({
      grants: 100_000,
      samples: new Map([['undici', rounds(40)]]),
      memory: new Map([['pagepass', memory(5_000_000)]]),
    })
    expect(figures.ratios).toEqual({})
    expect(figures).not.toHaveProperty('memory_per_grant_bytes')
  })
})
