import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type OnCall, shiftChangeOf, withIncoming } from '#access/domain/shift.ts'
import { hour, minute, noon } from '../../builders.ts'

const turn = (user: string, from?: number, until?: number, changes: Partial<OnCall> = {}): OnCall => ({
  user,
  name: `${user}’s name`,
  policy: 'PE1',
  level: 1,
  schedule: 'PS1',
  from,
  until,
  ...changes,
})
const until = (at: number): OnCall => turn('ana', noon - 8 * hour, at)
const anas = [{ user: 'ana', at: noon - hour }]

/** Whom the change brings, whom they take over from, and who was relieved. */
const changed = (all: readonly OnCall[], assigned = anas, now = noon) => {
  const change = shiftChangeOf(assigned, all, now)
  const come = withIncoming([], change, () => true).map(({ user, shift }) => `${user} for ${shift?.from}`)
  return [come.join(', '), change.relieved.join(', ')]
}

describe('A change of shift', () => {
  const ends = noon - minute
  test.each<[string, readonly OnCall[], [string, string]]>([
    [
      'brings whose shift began when that of the assigned person was over',
      [until(ends), turn('ben', ends, noon + hour)],
      ['ben for ana', 'ana'],
    ],
    ['brings who is on call without an end', [until(ends), turn('ben', ends)], ['ben for ana', 'ana']],
    ['is over a gap, too', [until(ends), turn('ben', noon - 1, noon + 1)], ['ben for ana', 'ana']],
    [
      'is of whoever is on call now, and of those in between',
      [until(ends - hour / 2), turn('ben', ends - hour / 2, ends), turn('cho', ends, noon + hour)],
      ['cho for ana,ben', 'ana, ben'],
    ],
    [
      'leaves out who is on call at another level still',
      [until(ends), turn('ben', ends), turn('ana', undefined, undefined, { level: 2, schedule: 'PS2' })],
      ['ben for ', ''],
    ],
    [
      'brings back who was on call before',
      [until(ends - hour / 2), turn('ben', ends - hour / 2, ends), turn('ana', ends, noon + hour)],
      ['ana for ben', 'ben'],
    ],
    ['relieves although nobody came', [until(ends)], ['', 'ana']],
    ['is none while the shift lasts', [until(noon + 1), turn('ben', noon + 1)], ['', '']],
    ['is none at its last moment', [until(noon + 1), turn('ben', noon + 1, noon + 2)], ['', '']],
    ['is one at the first', [until(noon), turn('ben', noon, noon + 2)], ['ben for ana', 'ana']],
    [
      'is none for who was assigned after the shift began',
      [until(noon - 2 * hour), turn('ben', noon - 2 * hour)],
      ['', ''],
    ],
    [
      'is none for who was assigned before their shift',
      [turn('ana', ends - minute, ends), turn('ben', ends)],
      ['', ''],
    ],
    [
      'is none where the policy names people itself, however it was changed',
      [turn('ben', undefined, undefined, { schedule: undefined })],
      ['', ''],
    ],
    [
      'is none where the assigned person had no schedule',
      [
        turn('ana', undefined, ends, { schedule: undefined }),
        turn('ben', ends, undefined, { schedule: undefined }),
      ],
      ['', ''],
    ],
    ['is none of another level', [until(ends), turn('ben', ends, undefined, { level: 2 })], ['', 'ana']],
    [
      'is none of another schedule',
      [until(ends), turn('ben', ends, undefined, { schedule: 'PS9' })],
      ['', 'ana'],
    ],
    [
      'is none of another policy',
      [until(ends), turn('ben', ends, undefined, { policy: 'PE9' })],
      ['', 'ana'],
    ],
    ['is none of others who were on call before', [until(ends), turn('ben', noon - 9 * hour)], ['', 'ana']],
    ['is none where nobody tells who is on call', [], ['', '']],
  ])('%s', (_, all, [come, gone]) => {
    expect(changed(all)).toEqual([come, gone])
  })

  test('is of nobody whom it was assigned to beside the schedule', () => {
    const all = [until(ends), turn('ben', ends)]
    expect(changed(all, [{ user: 'dan', at: noon - hour }])).toEqual(['', ''])
  })

  test('takes the lowest level of who came at several', () => {
    const at = (level: number) => ({ level, schedule: `PS${level}` })
    const all = [
      turn('cho', noon - 8 * hour, ends, at(2)),
      until(ends),
      turn('ben', ends, undefined, at(2)),
      turn('ben', ends),
    ]
    const assigned = [{ user: 'cho', at: noon - hour }, ...anas]
    expect(shiftChangeOf(assigned, all, noon).incoming).toEqual([
      { user: 'ben', name: 'ben’s name', at: ends, level: 1, schedule: 'PS1' },
    ])
  })

  test('reaches who is assigned already anew, as of their shift', () => {
    const all = [until(ends), turn('ben', ends)]
    const paged = [
      { user: 'ben', name: 'Ben', at: noon - 2 * hour },
      { user: 'ana', name: 'Ana', at: noon - hour },
    ]
    expect(withIncoming(paged, shiftChangeOf(anas, all, noon), () => false)).toEqual([
      { user: 'ben', name: 'ben’s name', at: ends, level: 1, shift: { from: ['ana'], planned: false } },
      paged[1],
    ])
  })

  test('never brings who is not on call now, nor relieves who is', () => {
    const moment = fc.integer({ min: 0, max: 20 })
    const some = fc.array(
      fc.record({
        user: fc.constantFrom('ana', 'ben', 'cho'),
        from: moment,
        until: moment,
        level: fc.integer({ min: 1, max: 2 }),
      }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(some, moment, moment, (all, at, now) => {
        const turns = all.map((one) => turn(one.user, one.from, one.until, { level: one.level }))
        const { incoming, relieved } = shiftChangeOf([{ user: 'ana', at }], turns, now)
        const onCall = (user: string) =>
          turns.some((one) => one.user === user && (one.from ?? 0) <= now && now < (one.until ?? 0))
        expect(incoming.filter(({ user }) => !onCall(user))).toEqual([])
        expect(incoming.filter((one) => one.at <= at)).toEqual([])
        expect(relieved.filter(onCall)).toEqual([])
      }),
    )
  })
})
