import { beforeEach, describe, expect, test } from 'vitest'
import type { Place } from '#access/adapters/queues.ts'
import { type ButtonAction, buttonValue } from '#access/domain/button.ts'
import type { Doubt, End, Grant } from '#access/domain/grant.ts'
import { occasionOf } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Person } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { Rendered } from '#access/messages/blocks.ts'
import { type Card, cardOfName, nameOfCard } from '#access/messages/cards.ts'
import { createRenderCard } from '#workers/outbox/render-card.ts'
import {
  aGrant,
  anEnd,
  aPerson,
  hour,
  noLocks,
  noon,
  nthId,
  pageWhy,
  rulesOf,
  rulesText,
} from '../../builders.ts'

let live: Map<string, Grant>
let ended: Map<string, { grant: Grant; end: End; sequence: number }>
let occasions: Map<string, string[]>
let forged: Set<string>
let behind: boolean

beforeEach(() => {
  live = new Map()
  ended = new Map()
  occasions = new Map()
  forged = new Set()
  behind = true
})

const under = (occasion: string, id: string): void => {
  occasions.set(occasion, [...new Set([...(occasions.get(occasion) ?? []), id])])
}
const stands = (grant: Grant): Grant => {
  live.set(grant.id, grant)
  under(occasionOf(grant), grant.id)
  return grant
}
const over = (grant: Grant, changes: Partial<End> = {}): Grant => {
  ended.set(grant.id, { grant, end: anEnd(grant, changes), sequence: 9 })
  under(occasionOf(grant), grant.id)
  return grant
}

const ana = aPerson()
const ben = aPerson({
  subject: 'idp-ben',
  name: 'Ben Okafor',
  groups: ['sre'],
  slack: { team: 'T0SANDBOX', user: 'U0BEN00001' },
})
const zoe = { ...ben, subject: 'idp-zoe', slack: { team: 'T0SANDBOX', user: 'U0ZOE00001' } }
const directly = ({ slack }: Person): Place => slack ?? expect.fail('no Slack account')
const channel: Place = { channel: '#inc-orders' }

/** To whom a card is unless a test says otherwise. */
const usualPlace = (name: string): Place => {
  const card = cardOfName(name)
  if (card?.kind === 'occasion') return channel
  return directly(card?.kind === 'approval' ? ben : ana)
}

const render = (
  card: Card | string,
  { rules = rulesOf(), to }: { rules?: RuleSet; to?: Place } = {},
): Promise<Rendered | undefined> => {
  const name = typeof card === 'string' ? card : nameOfCard(card)
  const whole = createRenderCard({
    rules,
    directory: {
      bySlack: (team, user) =>
        [ana, ben, zoe].find(({ slack }) => slack?.team === team && slack.user === user),
    },
    locks: noLocks.locks,
    live: {
      get: (id) => {
        const grant = behind ? undefined : live.get(id)
        return grant === undefined ? undefined : ({ grant } as HeldGrant)
      },
      all: () => [],
      genuine: async ({ grant }) => !forged.has(grant.id),
      // What it shows is what stands when it is sent.
      epoch: () => 'epoch',
      confirmedUntil: () => Number.POSITIVE_INFINITY,
      catchUp: async () => {
        behind = false
      },
    },
    occasions: { add: async () => undefined, grantsOf: async (name) => occasions.get(name) ?? [] },
    ended: async (id) => ended.get(id),
    clock: { now: () => noon },
  })
  return whole(name, to ?? usualPlace(name))
}
const buttonsOf = (rendered: Rendered | undefined): [ButtonAction, string][] => {
  const blocks = (rendered?.blocks ?? []) as { elements?: { action_id: ButtonAction; value: string }[] }[]
  return blocks.flatMap(({ elements = [] }) =>
    elements.map(({ action_id, value }): [ButtonAction, string] => [action_id, value]),
  )
}

const offered = aGrant({ state: 'offered', step: 'offered', why: pageWhy(), until: noon + 4 * hour })
const pending = aGrant({
  state: 'pending',
  step: 'asked',
  tier: 'admin',
  approvers: { from: ['sre'], count: 2 },
})
const { id } = offered

describe('The name of a card', () => {
  test.each<[Card, string]>([
    [{ kind: 'occasion', occasion: 'Q1' }, 'occasion/Q1'],
    [{ kind: 'offer', grant: id }, `offer/${id}`],
    [{ kind: 'approval', grant: id }, `approval/${id}`],
    [{ kind: 'keep', grant: id }, `keep/${id}`],
    [{ kind: 'reminder', grant: id, version: 3 }, `reminder/${id}/3`],
    [{ kind: 'command', go: 'gggg-gggg-gggg' }, 'command/gggg-gggg-gggg'],
    [{ kind: 'handover', grant: id, other: 'zzzz-zzzz-zzzz' }, `handover/${id}/zzzz-zzzz-zzzz`],
  ])('%j is read back', (card, name) => {
    expect(nameOfCard(card)).toBe(name)
    expect(cardOfName(name)).toEqual(card)
  })

  test.each([
    '',
    'occasion',
    'occasion/',
    'occasion/Q1/2',
    'offer//x',
    'offer/a/b',
    'reminder/x',
    'reminder/x/',
    'reminder/x/-1',
    'reminder/x/1e3',
    'reminder/x/1/2',
    'command/',
    'command/x/1',
    'handover/x',
    'handover/x/',
    'handover/x/y/z',
    'summary/x',
    '__proto__/x',
  ])('is not %j, and nothing is shown for it', async (name) => {
    expect(cardOfName(name)).toBeUndefined()
    expect(await render(name)).toBeUndefined()
  })
})

describe('The live message', () => {
  test('shows who has what, what stands first', async () => {
    over(aGrant({ id: nthId(1), why: pageWhy(), who: { issuer: 'i', subject: 'ben', name: 'Ben Okafor' } }))
    stands(aGrant({ id: nthId(2), why: pageWhy() }))
    const rendered = await render({ kind: 'occasion', occasion: 'Q1' })
    expect(rendered?.blocks).toBeUndefined()
    expect(rendered?.text.split('\n')).toEqual([
      '*Access for incident #7 “orders are stuck”*',
      expect.stringMatching(/^• \*Ana Lopes\* has a pass: .*`0000-0000-0002`\.$/),
      expect.stringMatching(/^• \*Ben Okafor\* had \*operate\* .*: it was revoked\. /),
    ])
  })

  test('shows as many as an update takes, and says how many more there are', async () => {
    for (let n = 0; n < 40; n += 1) stands(aGrant({ id: nthId(n), why: pageWhy() }))
    const text = (await render({ kind: 'occasion', occasion: 'Q1' }))?.text ?? ''
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_000)
    expect(text).toMatch(/\n• and 20 more passes$/)
  })

  test('leaves out what moved to another incident', async () => {
    stands(aGrant({ id: nthId(1), why: pageWhy() }))
    under('Q1', stands(aGrant({ id: nthId(2), why: pageWhy('Q2') })).id)
    expect((await render({ kind: 'occasion', occasion: 'Q1' }))?.text).not.toContain(nthId(2))
  })

  test('says where it goes on when everything moved: what it said no longer holds', async () => {
    const moved = stands(
      aGrant({ why: { kind: 'page', rule: 'r', incident: { id: 'Q2', number: 8, title: 'all' } } }),
    )
    under('Q1', moved.id)
    const text = 'Access goes on under incident #8 “all”.'
    expect(await render({ kind: 'occasion', occasion: 'Q1' })).toEqual({ text })
    live.clear()
    over(moved)
    expect(await render({ kind: 'occasion', occasion: 'Q1' })).toEqual({ text })
  })

  test('shows nothing of what does not verify, and nothing where nothing is known', async () => {
    forged.add(stands(aGrant({ why: pageWhy() })).id)
    expect(await render({ kind: 'occasion', occasion: 'Q1' })).toBeUndefined()
    expect(await render({ kind: 'occasion', occasion: 'Q9' })).toBeUndefined()
  })
})

describe('The offer', () => {
  const offer: Card = { kind: 'offer', grant: id }

  test('has the buttons of its grant, and none once it is decided', async () => {
    stands(offered)
    const open = await render(offer)
    expect(open?.text).toBe(
      'You were paged for incident #7 “orders are stuck”. Take *operate* on `orders-svc` for 1h?',
    )
    expect(buttonsOf(open)).toEqual([
      ['take', buttonValue(offered, 'take', ana)],
      ['decline', buttonValue(offered, 'decline', ana)],
    ])
    stands({ ...offered, state: 'active', step: 'taken', version: 2 })
    const taken = await render(offer)
    expect(taken?.text).toContain('You have a pass: *operate* on `orders-svc` until')
    expect(buttonsOf(taken)).toEqual([])
    live.clear()
    over(offered, { state: 'refused', cause: 'lapsed' })
    const gone = await render(offer)
    expect(gone?.text).toContain('The offer of *operate* on `orders-svc` is over: nobody decided in time.')
    expect(buttonsOf(gone)).toEqual([])
    // Blocks that are left out of an update would stay, with their buttons.
    expect(gone?.blocks).toHaveLength(1)
  })

  test.each<[string, Doubt | undefined, 'on acknowledge' | 'auto', boolean]>([
    ['where the rule says so', undefined, 'on acknowledge', true],
    ['not where the page is late', 'page-late', 'on acknowledge', false],
    ['not where they set it off', 'page-by-self', 'on acknowledge', false],
    ['not where its trigger is not trusted', 'page-untrusted', 'on acknowledge', false],
    ['not where the rule says otherwise', undefined, 'auto', false],
  ])('says that acknowledging takes it %s', async (_, doubt, how, also) => {
    const rules = rulesOf(rulesText.replace('how: auto', `how: ${how}`))
    stands({ ...offered, why: { ...pageWhy(), ...(doubt === undefined ? {} : { doubt }) } as Grant['why'] })
    const text = (await render(offer, { rules }))?.text ?? ''
    expect(text.includes('Acknowledging the incident in PagerDuty takes it too.')).toBe(also)
  })

  test('of a grant that does not verify is not shown', async () => {
    forged.add(stands(offered).id)
    expect(await render(offer)).toBeUndefined()
  })
})

describe('The question to those who approve', () => {
  const question: Card = { kind: 'approval', grant: id }

  test('says all of the reason, and how many it takes', async () => {
    const reason = `stuck ${'x'.repeat(480)} end`
    const asked: Grant = { ...pending, why: { kind: 'request', rule: 'r', reason } }
    stands(asked)
    const rendered = await render(question)
    expect(rendered?.text).toContain(`because ${reason}.`)
    expect(rendered?.text).toContain('It takes 2 more approvals.')
    expect(buttonsOf(rendered)).toEqual([
      ['approve', buttonValue(asked, 'approve', ben)],
      ['deny', buttonValue(pending, 'deny', ben)],
    ])
  })

  test('has no buttons once it is decided, and says who decided', async () => {
    const ben = { issuer: 'i', subject: 'ben', name: 'Ben Okafor' }
    stands({
      ...pending,
      state: 'active',
      step: 'approved',
      approvals: [{ ...ben, at: noon, teams: ['sre'] }],
    })
    const approved = await render(question)
    expect([approved?.text.includes('Ben Okafor approved it.'), buttonsOf(approved)]).toEqual([true, []])
    live.clear()
    over(pending, { state: 'refused', cause: 'denied', by: ben })
    const denied = await render(question)
    expect(denied?.text).toContain('It is over: it was denied by Ben Okafor.')
    expect(buttonsOf(denied)).toEqual([])
  })
})

describe('The reminder', () => {
  const reminder: Card = { kind: 'reminder', grant: id, version: 1 }

  test.each<[string, Partial<Grant>, string, number]>([
    ['what can be extended', {}, 'Need it longer?', 1],
    ['what was extended', { version: 2 }, 'Your pass goes on:', 0],
    ['what others approved', { approvals: [] }, 'Ask for a new one if you need it longer.', 0],
    [
      'what its incident let go of',
      { ending: { cause: 'handed over', was: noon, at: noon, keepable: false } },
      'Ask for a new one',
      0,
    ],
  ])('of %s', async (_, changes, text, buttons) => {
    stands(aGrant(changes))
    const rendered = await render(reminder)
    expect(rendered?.text).toContain(text)
    expect(buttonsOf(rendered)).toHaveLength(buttons)
  })

  test('of what has ended says so', async () => {
    over(aGrant())
    expect((await render(reminder))?.text).toBe(
      'Your pass has ended: *operate* on `orders-svc`, it was revoked.',
    )
  })
})

describe('The question whether to keep a pass', () => {
  const keep: Card = { kind: 'keep', grant: id }
  const ending = { cause: 'incident over', was: noon + 2 * hour, at: noon, keepable: true } as const

  test.each<[string, Partial<Grant>, string, number]>([
    ['may be kept', { ending }, 'Keep it until <!date', 1],
    ['was kept', { kept: true }, 'Your pass goes on:', 0],
    ['a person let go of', { ending: { ...ending, keepable: false } }, 'is over. Your pass ends early:', 0],
    [
      'went to others',
      { ending: { ...ending, cause: 'handed over', keepable: false } },
      'went to others. Your pass ends early:',
      0,
    ],
  ])('of one that %s', async (_, changes, text, buttons) => {
    stands(aGrant({ why: pageWhy(), ...changes }))
    const rendered = await render(keep)
    expect(rendered?.text).toContain(text)
    expect(buttonsOf(rendered)).toHaveLength(buttons)
  })
})

describe('To whom a card is', () => {
  const own: readonly [Card, Grant][] = [
    [{ kind: 'offer', grant: id }, offered],
    [{ kind: 'reminder', grant: id, version: 1 }, aGrant()],
    [
      { kind: 'keep', grant: id },
      aGrant({
        why: pageWhy(),
        ending: { cause: 'incident over', was: noon + 2 * hour, at: noon, keepable: true },
      }),
    ],
  ]
  const question: Card = { kind: 'approval', grant: id }
  const all: readonly [Card, Grant][] = [...own, [question, pending]]
  const stranger: Place = { team: 'T0SANDBOX', user: 'U0DAN00001' }

  test('decides what its buttons carry: each approver has their own', async () => {
    stands(pending)
    const values = await Promise.all(
      [ben, zoe].map(async (one) => buttonsOf(await render(question, { to: directly(one) }))),
    )
    expect(values).toEqual(
      [ben, zoe].map((one) => [
        ['approve', buttonValue(pending, 'approve', one)],
        ['deny', buttonValue(pending, 'deny', one)],
      ]),
    )
    expect(new Set(values.flat().map(String)).size).toBe(4)
  })

  test.each(own)('%j is shown to its owner', async (card, grant) => {
    stands(grant)
    const made = buttonsOf(await render(card))
    expect(made.length).toBeGreaterThan(0)
    for (const [action, value] of made) expect(value).toBe(buttonValue(grant, action, ana))
  })

  test.each(own)('%j is shown to nobody else', async (card, grant) => {
    stands(grant)
    expect(await render(card, { to: directly(ben) })).toBeUndefined()
  })

  test.each(all)('%j is shown to no channel and to no stranger', async (card, grant) => {
    stands(grant)
    for (const to of [channel, stranger, { ...stranger, user: 'U0BEN00001', team: 'T0ELSEWHERE' }])
      expect(await render(card, { to })).toBeUndefined()
  })

  test('does not matter to the live message', async () => {
    stands(aGrant({ why: pageWhy() }))
    const occasion: Card = { kind: 'occasion', occasion: 'Q1' }
    const shown = await render(occasion)
    expect(shown).toBeDefined()
    for (const to of [stranger, directly(ben)]) expect(await render(occasion, { to })).toEqual(shown)
  })
})
