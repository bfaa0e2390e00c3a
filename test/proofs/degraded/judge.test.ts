import { describe, expect, test } from 'vitest'
import { judge, type Outage, type ProbeName } from './judge.ts'

const cutAt = 1_000_000
const refusal = 'Passes can’t be changed right now. (Redis does not answer)'
const tried = (probe: ProbeName, afterMs: number, allowed: boolean, status = allowed ? 200 : 403) => ({
  probe,
  sentAt: cutAt + afterMs,
  status,
  allowed,
})
const goesOn = tried('standing', 1, true)
const outage = (changes: Partial<Outage>): Outage => ({
  down: ['redis'],
  cutAt,
  lastHeadAt: cutAt - 500,
  whenStale: 6_000,
  tried: [],
  said: refusal,
  mode: 'stale',
  ...changes,
})

describe('The judge of what is let in', () => {
  test('takes what the promise says', () => {
    const all = [
      tried('held', 5_499, true),
      tried('held', 5_501, false, 503),
      tried('standing', 3_000, false, 429),
      tried('standing', 60_000, true),
      tried('asked', 10, false),
    ]
    expect(judge(outage({ tried: all }))).toEqual([])
    const up = outage({ down: ['slack', 'idp'], said: 'until 13:00', mode: 'in step' })
    const more = [
      goesOn,
      tried('paged', 9, true),
      tried('held', 9_000, true),
      tried('approved', 9, true),
      tried('locked', 9, false),
    ]
    expect(judge({ ...up, tried: more })).toEqual([])
  })

  test.each<[string, Partial<Outage>, string]>([
    ['a pass that is let in too late', { tried: [tried('held', 5_501, true)] }, '1 ms after it was stale'],
    ['what was given meanwhile', { tried: [tried('asked', 9, true)] }, 'asked was let in'],
    [
      'what no PagerDuty confirmed',
      { down: ['pagerduty'], said: 'until 13:00', tried: [tried('paged', 9, true)] },
      'paged was let in',
    ],
    ['what was revoked before', { tried: [tried('ended', 9, true)] }, 'ended was let in'],
    ['more than the tier', { tried: [tried('beyond', 9, true)] }, 'beyond was let in'],
    [
      'what a slow Redis never gave',
      { slow: true, tried: [tried('unapproved', 9, true)] },
      'unapproved was let in',
    ],
    ['a bot that waits for a slow Redis', { slow: true, said: undefined }, 'did not say in words'],
    [
      'what a slow Redis kept open without anybody to attest it',
      { slow: true, down: ['redis', 'bot', 'workers'], tried: [tried('held', 5_501, true)] },
      '1 ms after it was stale',
    ],
    ['who was locked out before', { tried: [tried('locked', 9, true)] }, 'locked was let in'],
    ['what nobody could approve', { tried: [tried('approved', 9, true)] }, 'approved was let in'],
    [
      'what nobody approved, with all of it up',
      { down: [], said: 'until 13:00', mode: 'in step', tried: [tried('unapproved', 9, true)] },
      'unapproved was let in',
    ],
    ['a stranger', { tried: [tried('stranger', 9, true)] }, 'stranger was let in'],
    ['a standing rule that closes', { tried: [tried('standing', 9, false, 503)] }, 'was answered 503'],
    ['a rate that is not had again', { tried: [tried('standing', 4_001, false, 429)] }, 'was answered 429'],
    ['a bot that says nothing', { said: undefined }, 'did not say in words'],
    ['a bot that says it is done', { said: 'until 13:00' }, 'did not say in words'],
    ['a bot that gives up for nothing', { down: ['slack'] }, 'could have given'],
    ['a proxy that says all is well', { mode: 'in step' }, 'says that it is in step'],
  ])('finds %s', (_, changes, said) => {
    expect(judge(outage(changes)).join()).toContain(said)
  })
})
