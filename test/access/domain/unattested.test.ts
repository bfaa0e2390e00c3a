import { describe, expect, test } from 'vitest'
import { createUnattested } from '#access/domain/unattested.ts'

describe('What came since a head agreed', () => {
  test('is known, and waits where it was signed long before', () => {
    const came = createUnattested()
    came.add('new', 1, false)
    came.add('old', 2, true)
    expect(['new', 'old', 'other'].map((id) => [came.has(id), came.waits(id)])).toEqual([
      [true, false],
      [true, true],
      [false, false],
    ])
  })

  test('goes on waiting in whichever version it comes next, and what did not wait may have to', () => {
    const came = createUnattested()
    came.add('old', 1, true)
    came.add('old', 2, false)
    came.add('new', 3, false)
    expect([came.waits('old'), came.waits('new')]).toEqual([true, false])
    came.add('new', 4, true)
    expect(came.waits('new')).toBe(true)
  })

  test('is over up to the number that a head agrees to, and only what waited is told', () => {
    const came = createUnattested()
    came.add('new', 1, false)
    came.add('old', 2, true)
    came.add('later', 3, true)
    expect(came.agreed(2)).toEqual(['old'])
    expect(['new', 'old', 'later'].map(came.has)).toEqual([false, false, true])
    expect(came.agreed(2)).toEqual([])
    expect(came.agreed(3)).toEqual(['later'])
  })

  test('counts by the number that it came under last', () => {
    const came = createUnattested()
    came.add('old', 1, true)
    came.add('old', 5, false)
    expect(came.agreed(4)).toEqual([])
    expect(came.agreed(5)).toEqual(['old'])
  })

  test('waits from when a head does not agree, under its number, and is told once', () => {
    const came = createUnattested()
    came.add('new', 7, false)
    came.add('old', 8, true)
    expect(came.disagreed()).toEqual(['new'])
    expect([came.waits('new'), came.waits('old')]).toEqual([true, true])
    expect(came.disagreed()).toEqual([])
    expect(came.agreed(6)).toEqual([])
    expect(came.agreed(7)).toEqual(['new'])
  })
})
