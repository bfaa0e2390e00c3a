import { expect, test } from 'vitest'
import { plainError, withoutSecrets } from '#access/runtime/plain-error.ts'

test.each([
  ['rediss://:pass@redis:6379 said no', 'rediss://[secret]@redis:6379 said no'],
  ['https://api.pagerduty.com/incidents', 'https://api.pagerduty.com/incidents'],
  ['sent Authorization: Bearer abc.def-ghi', 'sent Authorization: Bearer [secret]'],
  ['sent Token token=y_NbAkKc66ryYTWUXYEu', 'sent Token token=[secret]'],
  ['the tokens xoxb-1-a and xapp-1-b', 'the tokens [secret] and [secret]'],
  ['got eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbmEifQ.c2ln, bad', 'got [secret], bad'],
  ['the bearer of this', 'the bearer of this'],
])('of "%s" remains "%s"', (text, rest) => {
  expect(withoutSecrets(text)).toBe(rest)
})

test('keeps what tells an error, and no other field', () => {
  const error = Object.assign(new TypeError('no', { cause: 'because of xoxb-1-a' }), {
    code: 'E',
    request: { headers: {} },
  })
  expect(plainError(error)).toEqual({
    type: 'TypeError',
    message: 'no',
    code: 'E',
    stack: error.stack,
    cause: { type: 'string', message: 'because of [secret]' },
  })
})

test('ends with causes that go in a circle', () => {
  const error = new Error('one')
  error.cause = error
  expect(plainError(error).cause?.cause?.cause?.cause).toBeUndefined()
})
