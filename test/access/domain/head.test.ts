import { describe, expect, test } from 'vitest'
import { headShape } from '#access/domain/head.ts'
import { noon } from '../../builders.ts'

const head = { environment: 'sandbox', at: noon, epoch: 'e', sequence: 7, count: 2, set: 'hash' }

describe('A head', () => {
  test.each<[string, object]>([
    ['of a Redis in which nothing is', { sequence: 0, count: 0 }],
    ['after a key was revoked', { revoked: ['bot-1'] }],
    ['after several were', { revoked: ['bot-1', 'bot-2'] }],
  ])('is read: %s', (_, changes) => {
    expect(headShape.parse({ ...head, ...changes })).toEqual({ ...head, ...changes })
  })

  test.each<[string, object]>([
    ['counts below nothing', { count: -1 }],
    ['is before the first event', { sequence: -1 }],
    ['has half an event', { sequence: 0.5 }],
    ['says that keys were revoked, and names none', { revoked: [] }],
    ['names more revoked keys than there may be', { revoked: Array.from({ length: 1_001 }, String) }],
    ['says more than a head does', { more: true }],
  ])('is none that %s', (_, changes) => {
    expect(headShape.safeParse({ ...head, ...changes }).success).toBe(false)
  })
})
