import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenSet } from '#access/runtime/open-set.ts'

const some = (count: number) => Array.from({ length: count }, () => ({ place: -1 }))

describe('What is open', () => {
  test('is what came and has not left, once, in any order of coming and leaving', () => {
    const all = some(6)
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(all.length - 1)))
    fc.assert(
      fc.property(steps, (taken) => {
        const open = new OpenSet<{ place: number }>()
        const expected = new Set<{ place: number }>()
        for (const one of all) one.place = -1
        for (const [comes, number] of taken) {
          const one = all[number] ?? expect.fail()
          if (comes) open.add(one)
          else open.delete(one)
          if (comes) expected.add(one)
          else expected.delete(one)
          expect(open.size).toBe(expected.size)
          expect(new Set(open)).toEqual(expected)
        }
      }),
    )
  })

  test('is left alone by what is open elsewhere at the same place', () => {
    const [one, other] = [...some(1), ...some(1)] as [{ place: number }, { place: number }]
    const here = new OpenSet<{ place: number }>()
    const there = new OpenSet<{ place: number }>()
    here.add(one)
    there.add(other)
    here.delete(other)
    expect([[...here], [...there]]).toEqual([[one], [other]])
  })

  test('can leave while all are looked at', () => {
    const all = some(5)
    const open = new OpenSet<{ place: number }>()
    for (const one of all) open.add(one)
    const seen = []
    for (const one of open) {
      seen.push(one)
      open.delete(one)
    }
    expect(seen).toEqual(all)
    expect(open.size).toBe(0)
  })
})
