import { expect, test } from 'vitest'
import { createModeOf } from '#proxy/mode.ts'
import { hour, minute, rulesOf } from '../builders.ts'

const modeOf = createModeOf(rulesOf(), 3_000)
const at = (age: number, ready = true) => modeOf({ ready: () => ready, age: () => age }, 0)
const all = ['observe', 'operate', 'admin']

test.each([
  ['before the first sync', at(0, false), 'starting', all],
  ['with a view of now', at(2_999), 'in step', []],
  ['once no head came for a moment', at(3_000), 'stale', []],
  ['at the very end of the riskiest tier’s time', at(30_000), 'stale', []],
  ['right after it', at(30_001), 'stale', ['admin']],
  ['after two minutes', at(2 * minute + 1), 'stale', ['operate', 'admin']],
  ['after a quarter of an hour', at(15 * minute + 1), 'standing rules only', all],
  ['without any head ever', at(Number.POSITIVE_INFINITY), 'standing rules only', all],
  ['with an age that is none', at(Number.NaN), 'standing rules only', all],
  ['after hours', at(9 * hour), 'standing rules only', all],
])('The mode %s', (_, found, mode, closed) => {
  expect(found).toEqual({ mode, closed })
})
