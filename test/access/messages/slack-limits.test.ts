import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ButtonAction, buttonActions, goActions, handOverActions } from '#access/domain/button.ts'
import {
  doubts,
  type End,
  endCauses,
  type Grant,
  type GrantStep,
  grantShape,
  grantSteps,
  type LiveState,
} from '#access/domain/grant.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import type { Usage } from '#access/domain/usage.ts'
import { approvalMessage, decidedNotice, waitingNotice } from '#access/messages/approval-message.ts'
import type { Rendered } from '#access/messages/blocks.ts'
import { addedNotice, commandMessage, endedAllText } from '#access/messages/command-message.ts'
import { keepMessage, reminderMessage } from '#access/messages/ending-message.ts'
import { handOverMessage } from '#access/messages/hand-over-message.ts'
import { liveMessage, movedMessage } from '#access/messages/live-message.ts'
import { offerMessage } from '#access/messages/offer-message.ts'
import { plainText } from '#access/messages/slack-text.ts'
import { summaryMessage } from '#access/messages/summary.ts'
import { unservedMessage } from '#access/messages/unserved.ts'
import { addedAnswer } from '#bot/commands/add-answer.ts'
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
import { readContent } from '#infra/sandbox/slack/content.ts'
import { anEnd, anIncident, aPerson, hour, noon, nthId, rulesOf, serviceIn } from '../../builders.ts'

/** What others write: names in the directory, titles of incidents, reasons, what is typed after the command. */
const pieces = fc.constantFrom(
  'a',
  'Ana Lopes',
  ' ',
  '😀',
  '👩\u200d👩\u200d👧',
  '\u202e',
  '\u2066',
  '\u061c',
  '\u200f',
  '\u200b',
  '<!channel>',
  '<@U0BEN00001>',
  '<#C0GENERAL0>',
  '<https://evil.example|https://good.example>',
  '<!date^0^{time}|00:00>',
  '&lt;!channel&gt;',
  '&',
  '`',
  '```',
  '*',
  '_',
  '~',
  '|',
  '\n> quoted',
  '\r\n• `forged`',
  '\u2028',
  '\u0000',
  '\u001b[31m',
  '\ud83d',
  '\ude00',
  'e\u0301',
  '\u0301'.repeat(40),
  'ﷺ',
  '漢',
  'https://evil.example/login',
  '@channel',
)
const hostile = (longest: number) =>
  fc
    .oneof(
      { weight: 4, arbitrary: fc.array(pieces, { maxLength: 30 }).map((all) => all.join('')) },
      { weight: 2, arbitrary: pieces.map((piece) => piece.repeat(longest)) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    )
    .map((text) => text.slice(0, longest))

const hostLabel = fc.nat({ max: 99_999 }).map((n) => `s${n}-`.padEnd(62, 'x').concat('9'))
const person = hostile(100).map((name) => ({ issuer: 'https://idp.example', subject: name || 'x', name }))
const moment = fc.integer({ min: -30 * 24 * hour, max: 30 * 24 * hour }).map((ms) => noon + ms)

const why = fc.oneof(
  fc.record(
    {
      kind: fc.constant('page' as const),
      rule: fc.constant('on_page[0]'),
      incident: fc.record({ id: fc.constant('Q1'), number: fc.nat(), title: hostile(1_000) }),
      doubt: fc.constantFrom(...doubts),
      mergedFrom: fc.constant('Q0'),
    },
    { requiredKeys: ['kind', 'rule', 'incident'] },
  ),
  fc.record(
    {
      kind: fc.constant('command' as const),
      rule: fc.constant('incident_command'),
      incident: fc.record({ id: fc.constant('Q1'), number: fc.nat(), title: hostile(1_000) }),
      commander: person,
      go: fc.constant('gggg-gggg-gggg'),
      about: fc.constant(['orders-svc']),
      reason: hostile(500),
    },
    { requiredKeys: ['kind', 'rule', 'incident', 'commander', 'go', 'about'] },
  ),
  fc.record(
    { kind: fc.constant('request' as const), rule: fc.constant('on_request[0]'), reason: hostile(500) },
    { requiredKeys: ['kind', 'rule'] },
  ),
)

const grant: fc.Arbitrary<Grant> = fc
  .record(
    {
      id: fc.nat({ max: 1_000_000 }).map(nthId),
      version: fc.integer({ min: 1, max: 1_000 }),
      environment: fc.constant('sandbox'),
      state: fc.constantFrom<LiveState>('offered', 'pending', 'active'),
      step: fc.constantFrom<GrantStep>(...grantSteps),
      by: person,
      who: person,
      services: fc.array(hostLabel, { minLength: 1, maxLength: 60 }),
      tier: fc.constantFrom('operate', 't'.repeat(63)),
      from: moment,
      until: moment,
      duration: fc.integer({ min: 1, max: 9_999 * 24 * hour }),
      why,
      approvers: fc.constantFrom({ from: ['sre'], count: 1 }, { from: ['sre', 'payments'], count: 5 }),
      approvals: fc.array(
        person.map((one) => ({ ...one, at: noon, teams: ['sre'] })),
        { maxLength: 6 },
      ),
      ending: fc.record({
        cause: fc.constantFrom('incident over' as const, 'handed over' as const),
        was: moment,
        at: moment,
        keepable: fc.boolean(),
      }),
      kept: fc.constant(true as const),
      nonce: fc.nat().map((n) => `nonce-${n}-`.padEnd(32, 'n')),
      rules: fc.constant('hash'),
      at: moment,
    },
    {
      requiredKeys: [
        'id',
        'version',
        'environment',
        'state',
        'step',
        'who',
        'services',
        'tier',
        'from',
        'until',
        'duration',
        'why',
        'nonce',
        'rules',
        'at',
      ],
    },
  )
  .map((it) => grantShape.parse(it))

const ending = fc.record({
  state: fc.constantFrom('ended' as const, 'refused' as const),
  cause: fc.constantFrom(...endCauses),
  by: fc.option(person, { nil: undefined }),
  at: moment,
})
const endOf = (of: Grant, { by, ...changes }: typeof ending extends fc.Arbitrary<infer T> ? T : never): End =>
  anEnd(of, { ...changes, ...(by === undefined ? {} : { by }) })

const count = fc.oneof(fc.nat({ max: 1_000 }), fc.constant(Number.MAX_SAFE_INTEGER))
const counts = fc.dictionary(
  fc.oneof(fc.constantFrom('200', '503', 'cut', 'grant-missing'), hostile(300)),
  count,
  {
    maxKeys: 12,
  },
)
/** As a proxy reports it, or whoever has got hold of one. */
const usage: fc.Arbitrary<Usage> = fc.record({
  patterns: fc.oneof(
    fc.dictionary(hostile(400), counts, { maxKeys: 8 }),
    fc
      .tuple(fc.integer({ min: 1, max: 400 }), counts, hostile(300))
      .map(([many, statuses, end]) =>
        Object.fromEntries(Array.from({ length: many }, (_, n) => [`GET /v${n}/**${end}`, statuses])),
      ),
  ),
  writes: count,
  refused: counts,
})

const standing = fc
  .tuple(grant, fc.option(ending, { nil: undefined }))
  .map(([one, over]) => ({ grant: one, ...(over === undefined ? {} : { end: endOf(one, over) }) }))
const standings = fc.array(standing, { minLength: 1, maxLength: 40 })
const reason = fc.constantFrom(...(Object.keys(reasons) as Reason[]))
const refusal = fc.record(
  {
    reason,
    hint: hostLabel,
    longest: fc.integer({ min: 1_000, max: 9_999 * 24 * hour }),
    tier: fc.constant('operate'),
  },
  { requiredKeys: ['reason'] },
)
const asked = fc.record(
  {
    verb: fc.constant('grant' as const),
    service: hostile(3_000),
    tier: hostile(3_000),
    duration: fc.integer({ min: 1_000, max: 9_999 * 24 * hour }),
    reason: hostile(500),
  },
  { requiredKeys: ['verb', 'service'] },
)
const name = '/access'

const ourTime = /<!date\^-?\d+\^\{time\}\|\d\d:\d\d UTC>/g

const of = (text: string, part: string): number => text.split(part).length - 1

/** Whatever is in a text, this much holds of it: it is Slack’s to show, and nobody else speaks in it. */
const holds = (text: string): void => {
  expect(text.length).toBeGreaterThan(0)
  expect(text.isWellFormed()).toBe(true)
  const others = text.replaceAll(ourTime, 'TIME')
  expect(others).not.toMatch(/[<>]/)
  expect(others.replaceAll(/&(?:amp|lt|gt);/g, '')).not.toContain('&')
  expect(others.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
  // Every backtick and every star is ours, so they come in pairs, each within its line.
  for (const line of others.split('\n')) {
    expect(of(line, '`') % 2).toBe(0)
    const prose = line.split('`').filter((_, index) => index % 2 === 0)
    expect(of(prose.join(''), '*') % 2).toBe(0)
  }
  const plain = plainText(text)
  const inCode = others.split('`').filter((_, index) => index % 2 === 1)
  expect(plain).not.toContain('`')
  expect(of(plain, '*')).toBe(of(inCode.join(''), '*'))
  expect([of(plain, '<'), of(plain, '>')]).toEqual([of(text, '&lt;'), of(text, '&gt;')])
}

const longest = { text: 0, card: 0, section: 0 }

/** A text alone, as `chat.postMessage` and an acknowledgement take it. */
const isSaid = (text: string): void => {
  holds(text)
  expect(text.length).toBeLessThanOrEqual(30_000)
  longest.text = Math.max(longest.text, text.length)
  expect(readContent({ text })).toEqual({ text })
}

type Section = { type: 'section'; text: { text: string; verbatim: boolean } }
type Actions = { type: 'actions'; elements: { action_id: ButtonAction; value: string }[] }

/** A card: it is updated, which takes 4,000 bytes of text and refuses more. */
const isShown = (rendered: Rendered, of?: Grant): void => {
  const { text, blocks } = rendered
  holds(text)
  const bytes = Buffer.byteLength(text)
  longest.card = Math.max(longest.card, bytes)
  expect(bytes).toBeLessThanOrEqual(4_000)
  const read = readContent({ text, ...(blocks === undefined ? {} : { blocks }) })
  expect(read.text).toBe(text)
  if (blocks === undefined) return
  const [section, actions, ...more] = blocks as [Section, Actions?]
  expect(more).toEqual([])
  longest.section = Math.max(longest.section, section.text.text.length)
  expect(section.text.text).toBe(text)
  expect(section.text.verbatim).toBe(true)
  const seen = new Set<string>()
  for (const { action_id, value } of actions?.elements ?? []) {
    expect([...buttonActions, ...goActions, ...handOverActions]).toContain(action_id)
    expect(value.length).toBeLessThanOrEqual(2_000)
    const [id, secret = ''] = value.split('.')
    expect(id).toBe(of?.id)
    expect(Buffer.from(secret, 'base64url').length * 8).toBeGreaterThanOrEqual(128)
    expect(JSON.stringify([rendered.text, seen.size])).not.toContain(secret)
    expect(JSON.stringify(rendered)).not.toContain(of?.nonce)
    expect(seen.has(secret)).toBe(false)
    seen.add(secret)
  }
}

const cards: readonly [string, (one: Grant, end: End | undefined) => Rendered][] = [
  ['the offer', (one, end) => offerMessage(one, end, true)],
  ['the question to those who approve', (one, end) => approvalMessage(one, end, aPerson())],
  ['the reminder of the version that stands', (one, end) => reminderMessage(one, end, one.version)],
  ['the reminder of an earlier version', (one, end) => reminderMessage(one, end, one.version - 1)],
  ['the question whether to keep it', keepMessage],
  [
    'the live message of one',
    (one, end) => liveMessage([{ grant: one, ...(end === undefined ? {} : { end }) }]),
  ],
  [
    'the message of what a commander gave',
    (one, end) => commandMessage([{ grant: one, ...(end === undefined ? {} : { end }) }]),
  ],
  [
    'the question whether to hand it over',
    (one, end) => handOverMessage({ grant: one, ...(end === undefined ? {} : { end }) }, { grant: one }),
  ],
  ['what stands in its place after a merge', movedMessage],
]
const runs = { numRuns: 60 }

describe('Whatever others wrote, Slack takes', () => {
  test.each(cards)('%s', (_, render) => {
    fc.assert(
      fc.property(standing, ({ grant: one, end }) => isShown(render(one, end), one)),
      runs,
    )
  })

  test('the live message of forty passes', () => {
    fc.assert(
      fc.property(standings, (all) => isShown(liveMessage(all))),
      { numRuns: 20 },
    )
  })

  test('the message of what a commander gave to forty', () => {
    const by = fc.record({ commander: person, title: hostile(1_000), reason: hostile(500) })
    fc.assert(
      fc.property(standings, by, (all, { commander, title, reason: because }) => {
        const given = all.map(({ grant: one, ...rest }, index) => ({
          ...rest,
          grant: {
            ...one,
            id: nthId(index),
            why: {
              kind: 'command' as const,
              rule: 'incident_command',
              incident: { id: 'Q1', number: 7, title },
              commander,
              go: 'gggg-gggg-gggg',
              about: [],
              reason: because,
            },
          },
        }))
        isShown(commandMessage(given), given[0]?.grant)
        for (const { grant: one } of given.slice(0, 3)) isSaid(addedNotice(one))
        isSaid(
          endedAllText(
            given.map(({ grant: one }) => one),
            3,
            'All confirmed.',
          ),
        )
        const incident = anIncident({ title })
        const service = serviceIn(rulesOf())
        const refusal = { reason: 'frozen' as const, tier: 'operate', because }
        const not = given.map(({ grant: { who } }) => ({
          person: aPerson({ name: who.name }),
          services: [service],
          refusal,
        }))
        const grants = given.map(({ grant: one }) => one)
        isSaid(addedAnswer(name, { incident, grants, not }, [{ group: 'S0SRE0001', mend: because }]))
      }),
      { numRuns: 20 },
    )
  })

  test('the summary of forty passes and hundreds of patterns, and its note in PagerDuty', () => {
    const used = fc.array(fc.tuple(grant, ending, usage), { maxLength: 40, size: 'max' })
    fc.assert(
      fc.property(used, (all) => {
        const text = summaryMessage(
          all.map(([one, over, what]) => ({ grant: one, end: endOf(one, over), usage: what })),
        )
        isSaid(text)
        expect(plainText(text).length).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 20 },
    )
  })

  test('every notice', () => {
    fc.assert(
      fc.property(standing, fc.nat({ max: 30 }), hostile(100), reason, (it, people, text, why) => {
        const { title } = it.grant.why.kind === 'page' ? it.grant.why.incident : { title: text }
        isSaid(waitingNotice(it.grant, people))
        isSaid(decidedNotice(it.grant, it.end))
        isSaid(
          unservedMessage({
            incident: anIncident({ title }),
            service: it.grant.services[0] ?? '',
            name: text,
            reason: why,
            command: name,
          }),
        )
      }),
      runs,
    )
  })

  test('every answer to a command', () => {
    const receipt = fc.record({
      confirmed: fc.array(hostile(63), { maxLength: 60 }),
      missing: fc.array(hostile(63), { maxLength: 60 }),
      streamsCut: count,
    })
    const given = fc.tuple(standings, asked, refusal, hostile(4_000), receipt)
    fc.assert(
      fc.property(given, ([all, it, no, typed, told]) => {
        const grants = all.map(({ grant: one }) => one)
        for (const one of grants.slice(0, 3)) {
          isSaid(grantedAnswer(one, name))
          isSaid(extendedAnswer(one, one.from))
          isSaid(withdrawnAnswer(one))
          isSaid(revokedAnswer(one, told))
        }
        isSaid(helpAnswer(name, 'a'.repeat(64)))
        isSaid(listAnswer([], name))
        isSaid(listAnswer(grants, name))
        isSaid(chooseAnswer(grants, `${name} extend`))
        isSaid(refusedAnswer(name, it, no))
        isSaid(notExtendedAnswer(no, typed, name))
        isSaid(unreadableAnswer(name, { verb: 'unreadable', what: typed, try: typed }))
      }),
      { numRuns: 30 },
    )
  })

  test('with room to spare', () => {
    expect(longest.text).toBeGreaterThan(0)
    process.stderr.write(`longest: ${JSON.stringify(longest)}\n`)
    expect(longest.section).toBeLessThan(3_000)
  })
})
