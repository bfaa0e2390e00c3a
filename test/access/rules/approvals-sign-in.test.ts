import { describe, expect, test } from 'vitest'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { minute, rulesOf, rulesText, serviceIn, tierIn } from '../../builders.ts'

const approvals = 'approvals: { count: 1, from: [sre] }'
const saying = (signIn: string, more: readonly (readonly [string, string])[] = []): string =>
  more.reduce(
    (text, [from, to]) => {
      expect(text).toContain(from)
      return text.replace(from, to)
    },
    rulesText.replace(approvals, `approvals: { count: 1, from: [sre], sign_in: ${signIn} }`),
  )
const faults = (text: string): string[] => {
  const parsed = parseRuleSet(text)
  return parsed.ok ? [] : parsed.faults.map(({ what }) => what)
}
const admin = (text: string) => tierIn(serviceIn(rulesOf(text)), 'admin').approvals?.signIn

test('The example of these tests has such approvals', () => expect(rulesText).toContain(approvals))

describe('The sign-in of approvers', () => {
  test('is none where nothing is said, and five minutes old at most where nothing else is', () => {
    expect(admin(rulesText)).toBeUndefined()
    expect(admin(saying('{}'))).toEqual({ acr: undefined, maxAge: 5 * minute })
    expect(admin(saying('{ acr: phr, max_age: 2m }'))).toEqual({ acr: 'phr', maxAge: 2 * minute })
  })

  test('is kept, part by part, by a profile that says something else of approvals', () => {
    const own = (said: string) =>
      saying('{ acr: phr, max_age: 2m }', [
        ['admin:   ["* /**"]', `admin: { allow: ["* /**"], approvals: { from: [sre]${said} } }`],
      ])
    expect(admin(own(''))).toEqual({ acr: 'phr', maxAge: 2 * minute })
    expect(admin(own(', sign_in: { acr: hwk }'))).toEqual({ acr: 'hwk', maxAge: 2 * minute })
    expect(admin(own(', sign_in: { max_age: 1m }'))).toEqual({ acr: 'phr', maxAge: minute })
  })

  test('is to the client that is named, or to that of the tokens', () => {
    expect(rulesOf(saying('{}')).identity.client).toBe('pagepass')
    const named = saying('{}', [['audience: pagepass', 'audience: pagepass, client: pagepass-pages']])
    expect(rulesOf(named).identity.client).toBe('pagepass-pages')
  })

  test.each([
    ['one that is left out', 'approvals: { from: [sre] }', 'at least sign_in: { acr: "phr", max_age: 5m }'],
    ['an older one', 'approvals: { from: [sre], sign_in: { acr: phr, max_age: 6m } }', 'max_age: 5m'],
    ['one of any class', 'approvals: { from: [sre], sign_in: { max_age: 1m } }', 'acr: "phr"'],
  ])('is not less on a higher tier: %s', (_, said, mend) => {
    const text = saying('{}', [
      [
        / {2}operate: \{[^\n]*/.exec(rulesText)?.[0] ?? '',
        '  operate: { longest: 2h, rate: 10/s, when_stale: 2m, approvals: { from: [sre], sign_in: { acr: phr } } }',
      ],
    ]).replace('approvals: { count: 1, from: [sre], sign_in: {} }', said)
    expect(faults(text).join('\n')).toContain(mend)
  })
})
