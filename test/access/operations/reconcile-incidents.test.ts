import { describe, expect, test } from 'vitest'
import { PagerDutyFault } from '#access/adapters/pagerduty/rest.ts'
import type { Confirmation } from '#access/domain/confirmation.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reconcileIncidents } from '#access/operations/reconcile-incidents.ts'
import type { Glance } from '#access/ports.ts'
import { aGrant, aPerson, minute, noon, nthId, pageWhy, rulesOf } from '../../builders.ts'

const rules = rulesOf()
const directory = indexDirectory({
  environment: 'sandbox',
  asOf: 0,
  people: [
    aPerson(),
    aPerson({
      subject: 'idp-ben',
      name: 'Ben',
      slack: { team: 'T0SANDBOX', user: 'U0BEN00001' },
      pagerduty: { account: 'sandbox', user: 'PUBEN01' },
    }),
  ].map((person) => ({ ...person, groups: [...person.groups] })),
})

const aGlance = (id = 'Q1', changes: Partial<Glance> = {}): Glance => ({
  id,
  open: true,
  service: 'PORDERS',
  paged: [{ user: 'PUANA01', name: 'Ana Lopes', at: noon - minute }],
  acknowledgedBy: [],
  state: `state of ${id}`,
  ...changes,
})
const passOf = (id = 'Q1', changes: Partial<Grant> = {}): Grant => aGrant({ why: pageWhy(id), ...changes })

type Look = Glance | undefined | Error
const reconcile = async ({
  listed = [],
  grants = [],
  look = {},
  before,
  over = new AbortController().signal,
}: {
  readonly listed?: readonly Glance[]
  readonly grants?: readonly Grant[]
  readonly look?: Readonly<Record<string, Look>>
  readonly before?: Confirmation
  readonly over?: AbortSignal
}) => {
  const followed: string[] = []
  const marks: string[] = []
  const confirmed: Confirmation[] = []
  const looked: string[] = []
  const all = grants.map((grant, index) => ({
    grant: { ...grant, id: nthId(index) },
    statement: String(index),
    verified: true,
  }))
  const outcome = reconcileIncidents(
    {
      rules,
      directory,
      clock: { now: () => noon },
      live: {
        get: () => undefined,
        all: () => all,
        genuine: async ({ grant }) => grant.rules !== 'forged',
        epoch: () => 'epoch',
        confirmedUntil: () => Number.POSITIVE_INFINITY,
        catchUp: async () => undefined,
      },
      openIncidents: {
        list: async () => ({ incidents: listed, whole: true }),
        look: async (id) => {
          looked.push(id)
          const found = look[id]
          if (found instanceof Error) throw found
          return found
        },
      },
      before: () => before,
      follow: async (incident, mark) => {
        followed.push(incident)
        marks.push(mark)
      },
      confirm: async (confirmation) => void confirmed.push(confirmation),
    },
    over,
  )
  const told = await outcome.catch((error: Error) => error.message)
  return { told, followed, marks, looked, confirmed: confirmed[0] }
}

const earlier = {
  environment: 'sandbox',
  at: noon - minute,
  except: [{ incident: 'Q2', at: noon - 9 * minute }],
}
const away = new PagerDutyFault('away', { status: 500 })

describe('Reconciling', () => {
  test.each<[string, Parameters<typeof reconcile>[0], string[], string[], Confirmation['except']]>([
    ['follows nothing where all agrees', { listed: [aGlance()], grants: [passOf()] }, [], [], []],
    ['follows who is paged and has nothing', { listed: [aGlance()] }, ['Q1'], [], []],
    [
      'asks for what the list does not show, and leaves it where it is open elsewhere',
      { grants: [passOf()], look: { Q1: aGlance('Q1', { service: 'PELSE' }) } },
      [],
      ['Q1'],
      [],
    ],
    [
      'follows what is over, and does not confirm it',
      { grants: [passOf()], look: { Q1: aGlance('Q1', { open: false, paged: [] }) }, before: earlier },
      ['Q1'],
      ['Q1'],
      [{ incident: 'Q1', at: noon - minute }],
    ],
    [
      'follows what is over, where only its commander’s passes stand under it',
      {
        grants: [
          passOf('Q1', {
            why: {
              kind: 'command',
              rule: 'incident_command',
              incident: { id: 'Q1', number: 1, title: 'stuck' },
              commander: aGrant().who,
              go: 'go',
              about: ['orders-svc'],
            },
          }),
        ],
        look: { Q1: aGlance('Q1', { open: false, paged: [] }) },
        before: earlier,
      },
      ['Q1'],
      ['Q1'],
      [{ incident: 'Q1', at: noon - minute }],
    ],
    [
      'follows what PagerDuty does not know',
      { grants: [passOf()], look: { Q1: undefined } },
      ['Q1'],
      ['Q1'],
      [{ incident: 'Q1', at: 0 }],
    ],
    [
      'does not confirm what it gets no answer about, nor forgets since when',
      { grants: [passOf('Q2')], look: { Q2: away }, before: earlier },
      [],
      ['Q2'],
      [{ incident: 'Q2', at: noon - 9 * minute }],
    ],
    [
      'believes an incident itself rather than the list',
      { listed: [aGlance('Q1', { paged: [] })], grants: [passOf()], look: { Q1: aGlance() } },
      [],
      ['Q1'],
      [],
    ],
    [
      'follows who is not paged any more, and whoever is instead',
      {
        listed: [aGlance('Q1', { paged: [{ user: 'PUBEN01', name: 'Ben', at: noon }] })],
        grants: [passOf()],
        look: { Q1: aGlance('Q1', { paged: [{ user: 'PUBEN01', name: 'Ben', at: noon }] }) },
      },
      ['Q1'],
      ['Q1'],
      [{ incident: 'Q1', at: 0 }],
    ],
    ['asks nothing for what is forged', { grants: [passOf('Q1', { rules: 'forged' })] }, [], [], []],
    [
      'asks nothing for what is ending, was kept, is over or was asked for',
      {
        grants: [
          passOf('Q1', { ending: { cause: 'incident over', was: noon, at: noon, keepable: true } }),
          passOf('Q2', { kept: true }),
          passOf('Q3', { until: noon }),
          aGrant(),
        ],
      },
      [],
      [],
      [],
    ],
  ])('%s', async (_, given, followed, looked, except) => {
    const outcome = await reconcile(given)
    expect(outcome).toMatchObject({
      followed,
      looked,
      confirmed: { environment: 'sandbox', at: noon, except },
    })
  })

  test('names what it follows anew whenever PagerDuty or the passes changed', async () => {
    const one = await reconcile({ listed: [aGlance()] })
    const same = await reconcile({ listed: [aGlance()] })
    const changed = await reconcile({ listed: [aGlance('Q1', { state: 'another' })] })
    const beside = await reconcile({
      listed: [aGlance()],
      grants: [passOf('Q1', { who: { ...aGrant().who, subject: 'idp-ben' }, kept: true })],
    })
    expect(same.marks).toEqual(one.marks)
    expect(new Set([one, changed, beside].map(({ marks }) => marks[0])).size).toBe(3)
  })

  test('asks no more of PagerDuty where it has had too many calls', async () => {
    const grants = Array.from({ length: 30 }, (_, index) => passOf(`Q${index}`))
    const busy = new PagerDutyFault('busy', { status: 429, retryAfterMs: 1_000 })
    const look = Object.fromEntries(grants.map((_, index) => [`Q${index}`, busy]))
    const { looked, confirmed } = await reconcile({ grants, look })
    expect(looked.length).toBeLessThanOrEqual(4)
    expect(confirmed?.except.length).toBe(30)
  })

  test('keeps to so many calls and so many to follow, what holds nobody first', async () => {
    const listed = Array.from({ length: 150 }, (_, index) => aGlance(`N${index}`))
    const grants = Array.from({ length: 120 }, (_, index) => passOf(`Q${index}`))
    const { looked, followed } = await reconcile({ listed, grants })
    expect(looked.length).toBe(100)
    expect(followed.length).toBe(100)
    expect(followed.every((id) => id.startsWith('Q'))).toBe(true)
  })

  test('confirms nothing where too much is not confirmed', async () => {
    const grants = Array.from({ length: 601 }, (_, index) => passOf(`Q${index}`))
    const { told, confirmed } = await reconcile({ grants })
    expect(told).toBe('PagerDuty does not confirm 601 incidents of passes')
    expect(confirmed).toBeUndefined()
  })

  test('neither follows nor confirms once it is another’s duty', async () => {
    const { followed, confirmed } = await reconcile({ listed: [aGlance()], over: AbortSignal.abort() })
    expect({ followed, confirmed }).toEqual({ followed: [], confirmed: undefined })
  })
})
