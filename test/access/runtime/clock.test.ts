import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClock } from '#access/runtime/clock.ts'
import { hour, minute, noon } from '../../builders.ts'

let wall = noon
let monotonic = 1_000
beforeEach(() => {
  wall = noon
  monotonic = 1_000
  vi.spyOn(Date, 'now').mockImplementation(() => wall)
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic)
})
afterEach(() => void vi.restoreAllMocks())
const pass = (ms: number): void => {
  wall += ms
  monotonic += ms
}

test('Now goes on with the monotonic clock where the wall clock is set back', () => {
  const clock = createClock()
  pass(minute)
  wall -= hour
  expect(clock.now()).toBe(noon + minute)
  pass(minute)
  expect(clock.now()).toBe(noon + 2 * minute)
})

test('Now is what the wall clock says where that is set ahead, and never goes back again', () => {
  const clock = createClock()
  wall += hour
  expect(clock.now()).toBe(noon + hour)
  wall -= hour
  pass(minute)
  expect(clock.now()).toBe(noon + hour)
})

test('Who hears that it is later goes on from there, and one hour late is not two once the wall clock is put right', () => {
  const clock = createClock()
  clock.hear?.(noon + hour)
  expect(clock.now()).toBe(noon + hour)
  pass(minute)
  expect(clock.now()).toBe(noon + hour + minute)
  wall += hour
  expect(clock.now()).toBe(noon + hour + minute)
})

test('Who hears that it is earlier knows better', () => {
  const clock = createClock()
  clock.hear?.(noon - hour)
  pass(minute)
  clock.hear?.(noon)
  expect(clock.now()).toBe(noon + minute)
})
