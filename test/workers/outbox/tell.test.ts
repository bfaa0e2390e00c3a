import type { Queue } from 'bullmq'
import { beforeEach, describe, expect, test } from 'vitest'
import type { MessageJob } from '#access/adapters/queues.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { EndCause, Grant, GrantStep } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import { cardOfName } from '#access/messages/cards.ts'
import { readMessage } from '#workers/outbox/message-job.ts'
import { createTell, type Tell } from '#workers/outbox/tell.ts'
import { aGrant, anEnd, aPerson, frozenClock, noon, nthId, pageWhy, rulesOf } from '../../builders.ts'

const someone = (name: string, groups: string[], more: Partial<Person> = {}): Person => {
  const first = name.split(' ')[0] ?? ''
  const upper = first.toUpperCase()
  return aPerson({
    subject: `idp-${first.toLowerCase()}`,
    name,
    groups,
    slack: { team: 'T0SANDBOX', user: `U0${upper}00001` },
    pagerduty: { account: 'sandbox', user: `PU${upper}01` },
    ...more,
  })
}
const { slack: _slack, ...unlinked } = someone('Uma Nolink', ['sre'])
const people = [
  someone('Ana Lopes', ['team-payments', 'sre']),
  someone('Ben Okafor', ['sre']),
  someone('Zoe Sre', ['sre']),
  someone('Fin Gone', ['sre'], { active: false }),
  unlinked,
]

let jobs: Map<string, MessageJob>
let tell: Tell
const tellWith = (all: readonly Person[], held: readonly Grant[] = []): Tell => {
  const messages = {
    add: async (_name: string, job: MessageJob, { jobId }: { jobId: string }) => {
      // What BullMQ takes as an id, and that adding a known one changes nothing.
      expect(jobId).toMatch(/^(?!\d+$)[^:]+$/)
      if (!jobs.has(jobId)) jobs.set(jobId, readMessage(job) as MessageJob)
    },
  }
  const directory = indexDirectory({
    environment: 'sandbox',
    asOf: noon,
    people: all.map((one) => ({ ...one, groups: [...one.groups] })),
  })
  // Of the queue only `add` is used.
  const live = { all: () => held.map((grant) => ({ grant, statement: '', verified: true })) }
  return createTell(rulesOf(), directory, messages as unknown as Queue<MessageJob>, frozenClock(), live)
}
beforeEach(() => {
  jobs = new Map()
  tell = tellWith(people)
})

const offered = aGrant({ state: 'offered', step: 'offered', why: pageWhy() })
const pending = aGrant({
  state: 'pending',
  step: 'asked',
  tier: 'admin',
  why: { ...pageWhy(), rule: 'owners' },
  approvers: { from: ['sre'], count: 1 },
})
const byHand: Grant = { ...pending, why: { kind: 'request', rule: 'on_request[1]', reason: 'stuck' } }
const { id } = pending
const ana = 'U0ANA00001'

/** What is said, as `card [if posted] to whom`, or `notice to whom`. */
const said = (): string[] =>
  [...jobs.values()].map((job) => {
    const to = 'channel' in job.to ? job.to.channel : job.to.user
    if (job.kind === 'card') return `${job.card}${job.ifPosted ? ' if posted' : ''} to ${to}`
    return `notice to ${to}${job.thread === undefined ? '' : ` under ${job.thread}`}`
  })
const notices = (): string[] => [...jobs.values()].flatMap((job) => (job.kind === 'notice' ? [job.text] : []))
const later = (grant: Grant, step: GrantStep, changes: Partial<Grant> = {}): Grant => ({
  ...grant,
  step,
  version: grant.version + 1,
  ...changes,
})

describe('A step is told', () => {
  test.each<[string, Grant, string[]]>([
    ['given', aGrant({ why: pageWhy() }), ['occasion/Q1 to #inc-orders']],
    [
      'given for two services',
      aGrant({ services: ['orders-svc', 'payments-svc'], why: pageWhy() }),
      ['occasion/Q1 to #inc-orders', 'occasion/Q1 to #inc-payments'],
    ],
    ['given by hand', aGrant(), [`occasion/${id} to #inc-orders`]],
    [
      'offered',
      offered,
      ['occasion/Q1 to #inc-orders', `offer/${id} to ${ana}`, 'notice to #inc-orders under occasion/Q1'],
    ],
    [
      'asked for by a page: those who may decide, and the channel too',
      pending,
      [
        'occasion/Q1 to #inc-orders',
        `approval/${id} to U0BEN00001`,
        `approval/${id} to U0ZOE00001`,
        'notice to #inc-orders',
      ],
    ],
    [
      'asked for by hand: those who may decide',
      byHand,
      [`occasion/${id} to #inc-orders`, `approval/${id} to U0BEN00001`, `approval/${id} to U0ZOE00001`],
    ],
    [
      'taken',
      later(offered, 'taken', { state: 'active' }),
      ['occasion/Q1 to #inc-orders', `offer/${id} to ${ana}`, `reminder/${id}/1 if posted to ${ana}`],
    ],
    [
      'endorsed: only what was posted',
      later(byHand, 'endorsed'),
      [
        `occasion/${id} to #inc-orders`,
        `approval/${id} if posted to U0BEN00001`,
        `approval/${id} if posted to U0ZOE00001`,
      ],
    ],
    [
      'approved: its holder is told',
      later(byHand, 'approved', { state: 'active' }),
      [
        `occasion/${id} to #inc-orders`,
        `approval/${id} if posted to U0BEN00001`,
        `approval/${id} if posted to U0ZOE00001`,
        `reminder/${id}/1 if posted to ${ana}`,
        `notice to ${ana}`,
      ],
    ],
    [
      'extended',
      later(aGrant(), 'extended'),
      [`occasion/${id} to #inc-orders`, `reminder/${id}/1 if posted to ${ana}`],
    ],
    [
      'shortened, to be kept',
      later(aGrant(), 'shortened', {
        ending: { cause: 'incident over', was: noon, at: noon, keepable: true },
      }),
      [`occasion/${id} to #inc-orders`, `keep/${id} to ${ana}`, `reminder/${id}/1 if posted to ${ana}`],
    ],
    [
      'shortened for good',
      later(aGrant(), 'shortened', {
        ending: { cause: 'incident over', was: noon, at: noon, keepable: false },
      }),
      [`occasion/${id} to #inc-orders`, `keep/${id} to ${ana}`, `reminder/${id}/1 if posted to ${ana}`],
    ],
    [
      'restored',
      later(aGrant(), 'restored'),
      [
        `occasion/${id} to #inc-orders`,
        `keep/${id} if posted to ${ana}`,
        `reminder/${id}/1 if posted to ${ana}`,
      ],
    ],
    [
      'moved: where it was and where it is',
      later(aGrant(), 'moved', { why: { ...pageWhy('Q2'), mergedFrom: 'Q1' } as Grant['why'] }),
      ['occasion/Q2 to #inc-orders', 'occasion/Q1 to #inc-orders', `reminder/${id}/1 if posted to ${ana}`],
    ],
  ])('when it was %s', async (_, grant, all) => {
    await tell.stepped(grant, 7)
    expect(said()).toEqual(all)
  })

  test('once, however often it is told', async () => {
    for (let time = 0; time < 3; time += 1) await tell.stepped(pending, 7)
    expect(jobs.size).toBe(4)
    await tell.stepped(later(pending, 'endorsed'), 8)
    expect(jobs.size).toBe(7)
  })

  test('under cards that can be rendered', async () => {
    await tell.stepped(pending, 7)
    await tell.stepped(offered, 8)
    await tell.ended(aGrant(), anEnd(aGrant()), 9)
    for (const job of jobs.values()) if (job.kind === 'card') expect(cardOfName(job.card)).toBeDefined()
  })

  test('to thirty of those who may decide, and no more', async () => {
    const many = Array.from({ length: 80 }, (_, n) =>
      someone(`P${n} X`, ['sre'], { slack: { team: 'T0SANDBOX', user: `U0P${n}` } }),
    )
    tell = tellWith(many)
    await tell.stepped(byHand, 7)
    expect(said().filter((one) => one.startsWith('approval'))).toHaveLength(30)
  })

  test('to the channel, also when nobody who may decide is known', async () => {
    tell = tellWith([someone('Ana Lopes', ['sre'])])
    await tell.stepped(pending, 7)
    expect(notices()).toEqual([
      expect.stringContaining('Nobody who may approve it is known: tell the owners of the service.'),
    ])
  })

  test('to nobody by direct message whose Slack account is not known', async () => {
    tell = tellWith([])
    await tell.stepped(offered, 7)
    await tell.ended(offered, anEnd(offered), 8)
    expect(said().filter((one) => !one.includes('#inc-orders'))).toEqual([])
  })

  test('nowhere when the rules no longer have its service', async () => {
    await tell.stepped(aGrant({ services: ['gone-svc'] }), 7)
    expect(said()).toEqual([])
  })
})

describe('An end is told', () => {
  test('where the pass stood, by updating what was posted', async () => {
    const grant = aGrant({ version: 3, why: pageWhy() })
    await tell.ended(grant, anEnd(grant), 9)
    expect(said()).toEqual([
      'occasion/Q1 to #inc-orders',
      `keep/${id} if posted to ${ana}`,
      `reminder/${id}/3 if posted to ${ana}`,
    ])
  })

  test('to those who were asked, and to nobody who never was', async () => {
    await tell.ended(byHand, anEnd(byHand, { state: 'refused', cause: 'withdrawn' }), 9)
    expect(said()).toContain(`approval/${id} if posted to U0BEN00001`)
    expect(said()).not.toContain(`approval/${id} to U0BEN00001`)
  })

  test.each<[EndCause, boolean]>([
    ['denied', true],
    ['lapsed', true],
    ['withdrawn', false],
    ['incident over', false],
    ['superseded', false],
  ])('to who asked, when it was “%s”: %s', async (cause, told) => {
    await tell.ended(byHand, anEnd(byHand, { state: 'refused', cause }), 9)
    expect(notices()).toEqual(told ? [expect.stringMatching(/^You don’t get \*admin\* on `orders-svc`/)] : [])
  })

  test('of an offer in the offer itself', async () => {
    await tell.ended(offered, anEnd(offered, { state: 'refused', cause: 'lapsed' }), 9)
    expect(said()).toContain(`offer/${id} to ${ana}`)
    expect(notices()).toEqual([])
  })

  test('once, however often it is told', async () => {
    for (let time = 0; time < 3; time += 1) await tell.ended(byHand, anEnd(byHand, { cause: 'denied' }), 9)
    expect(new Set(said()).size).toBe(said().length)
  })
})

test('A reminder is one card of its version, to its holder', async () => {
  const grant = aGrant({ id: nthId(4), version: 5 })
  await tell.reminder(grant)
  await tell.reminder(grant)
  expect(said()).toEqual([`reminder/${nthId(4)}/5 to ${ana}`])
})

describe('A page that reaches somebody else later', () => {
  const mine = aGrant({ id: nthId(1), why: pageWhy(), from: noon, at: noon })
  const ben = { issuer: mine.who.issuer, subject: 'idp-ben', name: 'Ben Okafor' }
  const theirs = (changes: Partial<Grant> = {}): Grant =>
    aGrant({ id: nthId(2), who: ben, why: pageWhy(), at: noon + 300_000, from: noon + 300_000, ...changes })
  const card = `handover/${nthId(1)}/${nthId(2)}`

  test.each<[string, Grant]>([
    ['gives them a pass', theirs()],
    ['offers them one', theirs({ state: 'offered', step: 'offered' })],
  ])('and %s is told to who holds one, with a button to hand it over', async (_, grant) => {
    await tellWith(people, [mine, grant]).stepped(grant, 7)
    expect(said()).toContain(`${card} to ${ana}`)
    expect(cardOfName(card)).toEqual({ kind: 'handover', grant: nthId(1), other: nthId(2) })
  })

  test.each<[string, Grant, Grant]>([
    ['was paged together with them', mine, theirs({ at: noon + 299_999 })],
    ['waits for others to approve it', mine, theirs({ state: 'pending', step: 'asked' })],
    ['has another tier', mine, theirs({ tier: 'observe' })],
    ['has another service', mine, theirs({ services: ['payments-svc'] })],
    ['is paged for another incident', mine, theirs({ why: pageWhy('Q2') })],
    ['asked by hand', mine, theirs({ why: byHand.why })],
    ['has had it before', mine, theirs({ version: 2, step: 'extended' })],
    ['is the same person', mine, theirs({ who: mine.who })],
    ['takes it over anyway', mine, theirs({ why: { ...pageWhy(), handedFrom: [nthId(1)] } as Grant['why'] })],
    [
      'comes when it is let go of',
      { ...mine, ending: { cause: 'handed over', was: noon, at: noon, keepable: false } },
      theirs(),
    ],
    ['comes when it is only offered', { ...mine, state: 'offered' }, theirs()],
  ])('but not of who %s', async (_, held, grant) => {
    await tellWith(people, [held, grant]).stepped(grant, 7)
    expect(said().filter((line) => line.startsWith('handover/'))).toEqual([])
  })

  test('and the button goes when either ends', async () => {
    await tellWith(people, [theirs()]).ended(mine, anEnd(mine), 8)
    expect(said()).toContain(`${card} if posted to ${ana}`)
    jobs.clear()
    await tellWith(people, [mine]).ended(theirs(), anEnd(theirs()), 9)
    expect(said()).toContain(`${card} if posted to ${ana}`)
  })
})

describe('What a commander gave', () => {
  const why: Grant['why'] = {
    kind: 'command',
    rule: 'incident_command',
    incident: { id: 'Q1', number: 7, title: 'orders are stuck' },
    commander: { issuer: 'i', subject: 'idp-ben', name: 'Ben Okafor' },
    go: nthId(9),
    about: ['payments-svc'],
  }

  test('is one card in the channels of the incident and of what it opens, and a notice to its holder', async () => {
    const grant = aGrant({ why })
    await tell.stepped(grant, 7)
    await tell.stepped(aGrant({ id: nthId(5), why }), 8)
    expect(new Set(said())).toEqual(
      new Set([
        `command/${nthId(9)} to #inc-payments`,
        `command/${nthId(9)} to #inc-orders`,
        `notice to ${ana}`,
      ]),
    )
    expect(cardOfName(`command/${nthId(9)}`)).toEqual({ kind: 'command', go: nthId(9) })
    jobs.clear()
    await tell.ended(grant, anEnd(grant), 9)
    expect(said()).toContain(`command/${nthId(9)} to #inc-orders`)
    expect(said().filter((line) => line.startsWith('occasion/'))).toEqual([])
  })
})
