import { describe, expect, test } from 'vitest'
import {
  confirmedAs,
  questionLastsMs,
  revocationQuestionShape,
  revocationShape,
} from '#access/domain/revocation.ts'
import { minute, noon } from '../../builders.ts'

const question = { environment: 'sandbox', kid: 'bot-1', at: noon }
const revocation = { ...question, because: 'a laptop was stolen' }

describe('A revocation', () => {
  test('of a key is read, with the longest name and reason that there may be', () => {
    expect(revocationShape.parse(revocation)).toEqual(revocation)
    const longest = { ...revocation, kid: 'k'.repeat(128), because: 'b'.repeat(500) }
    expect(revocationShape.parse(longest)).toEqual(longest)
  })

  test.each<[string, object]>([
    ['no key', { kid: '' }],
    ['a key with a name too long', { kid: 'k'.repeat(129) }],
    ['no reason', { because: '' }],
    ['a reason too long', { because: 'b'.repeat(501) }],
    ['half a millisecond', { at: 0.5 }],
    ['something beside', { more: true }],
  ])('is none with %s', (_, changes) => {
    expect(revocationShape.safeParse({ ...revocation, ...changes }).success).toBe(false)
  })

  test('is never mistaken for the question what it would end, nor the other way round', () => {
    expect(revocationQuestionShape.parse(question)).toEqual(question)
    expect(revocationQuestionShape.safeParse(revocation).success).toBe(false)
    expect(revocationShape.safeParse(question).success).toBe(false)
    expect(questionLastsMs).toBe(5 * minute)
  })

  test('is confirmed under a number that no event has', () => {
    expect([1, 42].map(confirmedAs)).toEqual([-1, -42])
  })
})
