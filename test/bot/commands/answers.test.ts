import { describe, expect, test } from 'vitest'
import type { Refusal } from '#access/domain/decide-access.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reasons } from '#access/domain/reasons.ts'
import {
  chooseAnswer,
  extendedAnswer,
  grantedAnswer,
  helpAnswer,
  listAnswer,
  notExtendedAnswer,
  refusedAnswer,
  revokedAnswer,
  unreadableAnswer,
  withdrawnAnswer,
} from '#bot/commands/answers.ts'
import { parseCommand } from '#bot/commands/parse-command.ts'
import { aGrant, hour, minute, noon, nthId, pageWhy } from '../../builders.ts'

/** The longest text that Slack takes. */
const slackLongest = 40_000
const asked = { verb: 'grant', service: 'orders-svc', duration: 9 * hour, tier: 'operate' } as const
const aPending = (changes: Partial<Grant> = {}) =>
  aGrant({ state: 'pending', step: 'asked', tier: 'admin', ...changes })
const refused = (refusal: Refusal, changes: object = {}): string =>
  refusedAnswer('/access', { ...asked, ...changes }, refusal)

describe('A private answer', () => {
  test('says what came of a grant, until when, and how to end it', () => {
    const answer = grantedAnswer(aGrant(), '/access')
    expect(answer).toContain('*operate* on `orders-svc` until <!date^')
    expect(answer).toContain('13:00 UTC')
    expect(answer).toContain('`/access revoke aaaa-bbbb-cccc`')
  })

  test.each<[string, Refusal, object, string]>([
    [
      'an unknown service',
      { reason: 'service-unknown', hint: 'orders-svc' },
      { service: 'order-svc' },
      'Did you mean `/access grant orders-svc 9h operate`',
    ],
    [
      'an unknown service like none',
      { reason: 'service-unknown' },
      { service: 'zzz' },
      'There is no service `zzz`. See `/access help`',
    ],
    [
      'an unknown tier',
      { reason: 'tier-unknown', hint: 'operate' },
      { tier: 'operat' },
      'Did you mean `/access grant orders-svc 9h operate`',
    ],
    [
      'an unknown tier like none',
      { reason: 'tier-unknown' },
      { tier: 'root' },
      'Leave it out: `/access grant orders-svc 9h`',
    ],
    [
      'a time too long',
      { reason: 'duration-too-long', longest: 2 * hour, tier: 'operate' },
      {},
      'lasts 2h at most. Try `/access grant orders-svc 2h operate`',
    ],
    [
      'a missing reason',
      { reason: 'reason-needed', tier: 'operate' },
      { duration: hour },
      'Try `/access grant orders-svc 1h operate because …`',
    ],
    ['anything else', { reason: 'not-eligible' }, {}, reasons['not-eligible'].person],
  ])('to %s shows the command that would do', (_, refusal, changes, text) => {
    expect(refused(refusal, changes)).toContain(text)
  })

  test('to somebody who may not ask says who may', () => {
    const mayAsk = 'Who may ask for admin on orders-svc: sre (on_request[1]).'
    expect(refusedAnswer('/access', asked, { reason: 'not-eligible', tier: 'admin' }, mayAsk)).toBe(
      `${reasons['not-eligible'].person} ${mayAsk}`,
    )
  })

  test('shows commands that can be read', () => {
    const answers = [
      helpAnswer('/access', 'a'.repeat(64)),
      grantedAnswer(aGrant(), '/access'),
      listAnswer([], '/access'),
      refused({ reason: 'duration-too-long', longest: 2 * hour, tier: 'operate' }),
      refused({ reason: 'reason-needed', tier: 'operate' }),
      chooseAnswer([aGrant()], '/access extend'),
      chooseAnswer([aGrant()], '/access revoke'),
      grantedAnswer(aPending(), '/access'),
      notExtendedAnswer({ reason: 'extension-too-long', longest: 90_500 }, 'orders-svc', '/access'),
      notExtendedAnswer({ reason: 'grant-unknown' }, 'orders-svc', '/access'),
    ]
    const commands = answers.flatMap((answer) =>
      [...answer.matchAll(/`\/access ([^`]*)`/g)].map(([, text]) => text),
    )
    expect(commands.length).toBeGreaterThan(6)
    for (const text of commands)
      expect(parseCommand((text ?? '').replace('@ana', '<@U0ANA00001>')).verb, text).not.toBe('unreadable')
  })

  test.each([
    [
      'all confirmed',
      { confirmed: ['a', 'b'], missing: [], streamsCut: 4 },
      '2 of 2 proxies confirmed, 4 streams cut.',
    ],
    [
      'one did not',
      { confirmed: ['a'], missing: ['b'], streamsCut: 1 },
      '1 of 2 proxies confirmed, 1 stream cut.\n`b` did not confirm',
    ],
    [
      'the only one did',
      { confirmed: ['a'], missing: [], streamsCut: 0 },
      '1 of 1 proxy confirmed, 0 streams cut.',
    ],
    ['there is none', { confirmed: [], missing: [], streamsCut: 0 }, 'No proxy is running.'],
  ])('tells what the proxies did about a revocation: %s', (_, receipt, text) => {
    expect(revokedAnswer(aGrant(), receipt)).toContain(text)
  })

  test('says what waits for others, and how to take it back', () => {
    const answer = grantedAnswer(aPending(), '/access')
    expect(answer).toContain('Others were asked to approve *admin* on `orders-svc` for 1h.')
    expect(answer).toContain('Take it back with `/access revoke aaaa-bbbb-cccc`')
    expect(answer).not.toContain('You have a pass')
  })

  test('tells what was taken back', () => {
    expect(withdrawnAnswer(aPending())).toBe(
      'Taken back: *admin* on `orders-svc`, which waited for an approval.',
    )
    expect(withdrawnAnswer(aGrant({ state: 'offered' }))).toContain('which you were offered.')
  })

  test('tells how much longer a pass lasts', () => {
    const answer = extendedAnswer(aGrant({ until: noon + 90 * minute }), noon + hour)
    expect(answer).toContain('Extended by 30m: *operate* on `orders-svc` until')
    expect(answer).toContain('13:30 UTC')
  })

  test.each<[Refusal, string]>([
    [{ reason: 'extension-too-long', longest: 90_500 }, 'Try `/access extend orders-svc 1m30s`'],
    [{ reason: 'extension-spent' }, 'Ask for a new one with `/access grant …`'],
    [{ reason: 'pass-ending' }, 'Ask for a new one with'],
    [{ reason: 'approval-needed' }, 'Ask for a new one to go on.'],
    [{ reason: 'grant-unknown' }, 'See yours with `/access list`'],
    [{ reason: 'not-yours' }, 'See yours with `/access list`'],
  ])('to an extension that is refused (%j) says what to do', (refusal, text) => {
    expect(notExtendedAnswer(refusal, 'orders-svc', '/access')).toContain(text)
  })

  test('names ten of the proxies that did not confirm, and how many more', () => {
    const missing = Array.from({ length: 60 }, (_, n) => `proxy-${n}`)
    const answer = revokedAnswer(aGrant(), { confirmed: [], missing, streamsCut: 0 })
    expect(answer).toContain('0 of 60 proxies confirmed')
    expect(answer).toContain('`proxy-9` and 50 more did not confirm, and will close by themselves')
    expect(answer).not.toContain('proxy-10')
  })

  test('lists what is offered and what waits for others as no pass yet', () => {
    const all = [aGrant({ state: 'offered' }), aPending({ id: nthId(2) })]
    for (const answer of [listAnswer(all, '/access'), chooseAnswer(all, '/access revoke')]) {
      expect(answer).toContain('offered: *operate* on `orders-svc` for 1h')
      expect(answer).toContain('waits for an approval: *admin* on `orders-svc` for 1h')
      expect(answer).not.toContain('until')
    }
  })

  test('lists passes with why they are there', () => {
    const answer = listAnswer([aGrant(), aGrant({ id: nthId(2), why: pageWhy() })], '/access')
    expect(answer).toMatch(/^You have 2 passes:\n/)
    expect(answer).toContain('because stuck orders')
    expect(answer).toContain('paged for incident #7 “orders are stuck”')
  })
})

describe('A long list', () => {
  test('ends with how many more there are', () => {
    const answer = listAnswer(
      Array.from({ length: 25 }, (_, index) => aGrant({ id: nthId(index) })),
      '/access',
    )
    expect(answer.split('\n')).toHaveLength(22)
    expect(answer).toMatch(/^You have 25 passes:/)
    expect(answer).toMatch(/• and 5 more$/)
  })
})

describe('What somebody else wrote', () => {
  const hostile: readonly [string, string][] = [
    ['a mention of everybody', '<!channel> look'],
    ['a mention of a person', '<@U0BEN00001>'],
    ['a link that says another', '<https://evil.example|https://good.example>'],
    ['an entity', '&lt;!channel&gt;'],
    ['text that turns the reading direction', 'a\u202ecba\u2066x\u061cy\u200f'],
    ['letters nobody sees', 'a\u200bb\ufeffc'],
    ['line breaks', 'a\r\nb\u2028c\u2029d\u0085e'],
    ['colours of a terminal', '\u001b[31mred'],
    ['backticks', '`code` and ```more```'],
  ]

  const answersWith = (text: string): string[] => [
    listAnswer([aGrant({ why: { kind: 'request', rule: 'r', reason: text } })], '/access'),
    listAnswer(
      [aGrant({ why: { kind: 'page', rule: 'r', incident: { id: 'Q1', number: 1, title: text } } })],
      '/access',
    ),
    refused({ reason: 'service-unknown' }, { service: text }),
    refused({ reason: 'tier-unknown' }, { tier: text }),
    refused({ reason: 'reason-needed', tier: 'operate' }, { service: text }),
    unreadableAnswer('/access', { verb: 'unreadable', what: text, try: `grant ${text}` }),
    revokedAnswer(aGrant(), { confirmed: [], missing: [text], streamsCut: 0 }),
  ]

  test.each(hostile)('is harmless in every answer: %s', (_, text) => {
    for (const answer of answersWith(text)) {
      const ours = answer.replaceAll(/<!date\^\d+\^\{time\}\|\d\d:\d\d UTC>/g, 'TIME')
      expect(ours).not.toMatch(/[<>]/)
      expect(ours.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}|\u2028|\u2029/u)
      expect(ours.replaceAll(/&(?:amp|lt|gt);/g, '')).not.toContain('&')
    }
  })

  test('can’t leave the code it is shown in', () => {
    const answer = refused({ reason: 'service-unknown' }, { service: 'x` *bold* `y' })
    expect(answer.match(/`/g)).toHaveLength(4)
  })

  test('adds no line to a list', () => {
    const [answer = ''] = answersWith('a\n• `forged`')
    expect(answer.split('\n')).toHaveLength(2)
  })

  test('is cut to a length, between letters', () => {
    const answer = unreadableAnswer('/access', { verb: 'unreadable', what: '😀'.repeat(5_000), try: 'help' })
    expect(answer.length).toBeLessThan(1_000)
    expect(answer.isWellFormed()).toBe(true)
    expect(answer).toContain('…')
  })

  test('never makes an answer longer than Slack takes', () => {
    const many = Array.from({ length: 50 }, (_, index) =>
      aGrant({
        id: nthId(index),
        until: noon + hour,
        why: { kind: 'request', rule: 'r', reason: '<'.repeat(500) },
      }),
    )
    for (const answer of [
      listAnswer(many, '/access'),
      chooseAnswer(many, '/access'),
      ...answersWith('<'.repeat(40_000)),
    ])
      expect(answer.length).toBeLessThanOrEqual(slackLongest)
  })
})
