import { describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { markOf, needsWord, whatWasMissed } from '#access/domain/missed.ts'
import { aGrant, aPerson, hour, noon, nthId, pageWhy, rulesOf, rulesText } from '../../builders.ts'

const ana = aPerson()
const onPage = (how: string) => rulesOf(rulesText.replace('    how: auto', `    how: ${how}`))
const paged = { user: 'PUANA01', name: 'Ana', at: noon }
const seen = { open: true, acknowledgedBy: ['PUANA01'], paged: [paged] }
const pass = (changes: Partial<Grant> = {}) => aGrant({ why: pageWhy(), ...changes })
const ending = { cause: 'handed over', was: noon + hour, at: noon, keepable: false } as const

const missed = (
  grants: readonly Grant[],
  {
    rules = onPage('auto'),
    see = {},
    services = ['orders-svc'],
    held = true,
    letGo = false,
    known = true,
  }: {
    rules?: ReturnType<typeof onPage>
    see?: Partial<typeof seen>
    services?: readonly string[]
    held?: boolean
    letGo?: boolean
    known?: boolean
  } = {},
) =>
  whatWasMissed(rules, { ...seen, ...see }, services, grants, {
    personOf: (user) => (known && user === 'PUANA01' ? ana : undefined),
    isHeld: () => held,
    letGoBefore: () => letGo,
  })

describe('A glance at an incident', () => {
  test.each<[string, ReturnType<typeof missed>, string]>([
    ['everybody has what they are paged for', missed([pass()]), 'nothing'],
    ['nobody is paged, and nothing stands', missed([], { see: { paged: [] } }), 'nothing'],
    ['somebody is paged who has nothing', missed([]), 'gives'],
    ['nobody knows who is paged', missed([pass()], { known: false }), 'gives'],
    ['a pass is somebody else’s', missed([pass({ who: { ...ana, subject: 'idp-cho' } })]), 'gives'],
    ['it was asked for by hand', missed([aGrant()]), 'gives'],
    [
      'it is for one of two services',
      missed([pass()], { services: ['orders-svc', 'payments-svc'] }),
      'gives',
    ],
    [
      'one of two passes is for each of two services',
      missed([pass(), pass({ services: ['payments-svc'] })], { services: ['orders-svc', 'payments-svc'] }),
      'nothing',
    ],
    ['the incident let go of it before this page', missed([pass()], { letGo: true }), 'gives'],
    ['it is ending, though they are paged again', missed([pass({ ending })]), 'gives'],
    ['the incident is over and nothing stands', missed([], { see: { open: false } }), 'nothing'],
    ['the incident is over and a pass stands', missed([pass()], { see: { open: false } }), 'holds nobody'],
    [
      'the incident is over, and the pass is ending',
      missed([pass({ ending })], { see: { open: false } }),
      'nothing',
    ],
    [
      'the incident is over, and the pass was kept',
      missed([pass({ kept: true })], { see: { open: false } }),
      'nothing',
    ],
    ['a pass stands that nothing holds', missed([pass()], { held: false }), 'holds nobody'],
    ['one of two stands so', missed([pass({ kept: true }), pass()], { held: false }), 'holds nobody'],
    ['what nothing holds was kept', missed([pass({ kept: true })], { held: false }), 'nothing'],
  ])('says whether something was missed: %s', (_, what, is) => {
    expect(what).toBe(is)
  })

  const offer = pass({ state: 'offered' })
  test.each<[string, string, string[], Grant, string]>([
    ['an offer that acknowledging takes, and they did', 'on acknowledge', ['PUANA01'], offer, 'gives'],
    ['and somebody else did', 'on acknowledge', ['PUCHO01'], offer, 'nothing'],
    ['and they did, and it is taken', 'on acknowledge', ['PUANA01'], pass(), 'nothing'],
    ['an offer that only a click takes', 'offer', ['PUANA01'], offer, 'nothing'],
  ])('follows what acknowledging does: %s', (_, how, acknowledgedBy, grant, is) => {
    expect(missed([grant], { rules: onPage(how), see: { acknowledgedBy } })).toBe(is)
  })
})

test('PagerDuty’s word is waited for, but where it is ending or was kept against it', () => {
  expect([pass(), pass({ ending }), pass({ kept: true })].map(needsWord)).toEqual([true, false, false])
})

describe('The mark of what was seen', () => {
  const [one, other] = [pass({ id: nthId(1) }), pass({ id: nthId(2) })]

  test('is the same for the same in another order', () => {
    expect(markOf('open', [one, other])).toBe(markOf('open', [other, one]))
    expect(markOf('open', [])).toMatch(/^[0-9a-f]{24}$/)
  })

  test('is another for anything else', () => {
    const marks = [
      markOf('open', [one, other]),
      markOf('open', [one]),
      markOf('over', [one]),
      markOf(undefined, [one]),
      markOf('open', [{ ...one, version: 2 }]),
      markOf('', []),
      markOf(undefined, []),
      markOf('null', []),
    ]
    expect(new Set(marks).size).toBe(marks.length)
  })
})
