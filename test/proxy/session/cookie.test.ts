import { expect, test } from 'vitest'
import { takeSession } from '#proxy/session/cookie.ts'

test.each([
  ['alone', '__Host-pagepass=abc', 'abc', ''],
  ['first', '__Host-pagepass=abc; a=1; b=2', 'abc', 'a=1; b=2'],
  ['in the middle', 'a=1; __Host-pagepass=abc; b=2', 'abc', 'a=1; b=2'],
  ['last', 'a=1; b=2; __Host-pagepass=abc', 'abc', 'a=1; b=2'],
  ['without the space that browsers write', 'a=1;__Host-pagepass=abc;b=2', 'abc', 'a=1;b=2'],
  ['with more space', 'a=1;  \t__Host-pagepass=abc;  b=2', 'abc', 'a=1;  b=2'],
  ['with nothing behind it', '__Host-pagepass=abc;', 'abc', ''],
  ['with no value', 'a=1; __Host-pagepass=', '', 'a=1'],
  ['with a value that holds =', '__Host-pagepass=a=b==; c=1', 'a=b==', 'c=1'],
  ['with a value in quotes, which belong to it', '__Host-pagepass="abc"; c=1', '"abc"', 'c=1'],
  ['with space behind its value', '__Host-pagepass=abc ; c=1', 'abc ', 'c=1'],
  ['between two that open and close quotes', 'a="1; __Host-pagepass=abc; b=2"', 'abc', 'a="1; b=2"'],
  [
    'behind what was an order to old servers',
    '$Version=1; __Host-pagepass=abc; $Path=/',
    'abc',
    '$Version=1; $Path=/',
  ],
  ['behind others in odd spellings', 'a; =b;; c = d ;__Host-pagepass=abc', 'abc', 'a; =b;; c = d '],
])('Our cookie is taken out %s, and all others stay as they are', (_, header, session, rest) => {
  expect(takeSession(header)).toEqual({ session, rest })
})

test.each([
  'a=1; b=2',
  '',
  ';',
  '__Host-Pagepass=abc',
  '__host-pagepass=abc',
  '__HOST-PAGEPASS=abc',
  '__Host-pagepass2=abc',
  '__Host-pagepass-x=abc',
  'x__Host-pagepass=abc',
  '"__Host-pagepass=abc"',
  '__Host-pagepas%73=abc',
  '__Host-page pass=abc',
  '__Host-pagepass"=abc',
  'a=__Host-pagepass=abc',
  'a=1, __Host-pagepass=abc',
  '$Version=1,__Host-pagepass=abc',
  '=__Host-pagepass=abc',
  '\xa0__Host-pagepass=abc',
  '\xe2\x80\x80__Host-pagepass=abc',
  '\xef\xbb\xbf__Host-pagepass=abc',
  '\v__Host-pagepass=abc',
  '__Host-pagepass\xa0=abc',
])('%j holds cookies of others', (header) => {
  expect(takeSession(header)).toBeUndefined()
})

test.each([
  '__Host-pagepass=abc; __Host-pagepass=abc',
  '__Host-pagepass=abc; a=1; __Host-pagepass=',
  '__Host-pagepass=; __Host-pagepass=abc',
  '__Host-pagepass',
  'a=1; __Host-pagepass; b=2',
  '__Host-pagepass =abc',
  '__Host-pagepass\t=abc',
  '__Host-pagepass ; a=1',
  '__Host-pagepass=abc; __Host-pagepass =abc',
])('%j can be read in more than one way', (header) => {
  expect(takeSession(header)).toBe('ambiguous')
})

test('A long header takes no longer than its length', () => {
  const spaces = `${' '.repeat(8_000)};`.repeat(2)
  expect(takeSession(`${spaces}__Host-pagepass=abc`)).toMatchObject({ session: 'abc' })
  expect(takeSession('__Host-pagepass='.repeat(1_000))).toMatchObject({ rest: '' })
  expect(takeSession('__Host-pagepass=a;'.repeat(1_000))).toBe('ambiguous')
})
