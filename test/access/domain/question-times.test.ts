import { describe, expect, test } from 'vitest'
import { questionTimes } from '#access/domain/question-times.ts'
import { aGrant, hour, minute, noon } from '../../builders.ts'

const times = (stands: number, after?: number) => {
  const escalate = after === undefined ? {} : { escalate: { at: noon + after, to: ['sre'] } }
  const asked = aGrant({ until: noon + stands, approvers: { from: ['sre'], count: 1, ...escalate } })
  return questionTimes(asked).map(({ at, what }) => [what, (at - noon) / minute])
}

describe('What nobody decides is brought up again', () => {
  test.each<[string, number, number | undefined, [string, number][]]>([
    ['once, where it stands for an hour', hour, undefined, [['ask again', 15]]],
    ['half way, where it stands for less', 10 * minute, undefined, [['ask again', 5]]],
    [
      'before others are asked, and then to them',
      hour,
      20 * minute,
      [
        ['ask again', 10],
        ['ask others', 20],
      ],
    ],
    ['to nobody else, where it lapses before', hour, hour, [['ask again', 15]]],
    [
      'and an hour before it lapses, where it stands for long',
      24 * hour,
      undefined,
      [
        ['ask again', 15],
        ['ask last', 23 * 60],
      ],
    ],
    [
      'but not twice in a quarter of an hour',
      75 * minute,
      10 * minute,
      [
        ['ask again', 5],
        ['ask others', 10],
      ],
    ],
  ])('%s', (_, stands, after, expected) => expect(times(stands, after)).toEqual(expected))
})
