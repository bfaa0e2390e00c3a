import type { Queue } from 'bullmq'
import { beforeEach, describe, expect, test } from 'vitest'
import type { MessageJob } from '#access/adapters/queues.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { LiveGrants } from '#access/ports.ts'
import { askAgain } from '#workers/jobs/ask-again.ts'
import { readMessage } from '#workers/outbox/message-job.ts'
import { createTell } from '#workers/outbox/tell.ts'
import { aGrant, aPerson, frozenClock, hour, minute, noon, pageWhy, rulesOf } from '../../builders.ts'

const someone = (first: string, groups: string[]) =>
  aPerson({
    subject: `idp-${first.toLowerCase()}`,
    name: first,
    groups,
    slack: { team: 'T0SANDBOX', user: `U0${first.toUpperCase()}00001` },
    pagerduty: { account: 'sandbox', user: `PU${first.toUpperCase()}01` },
  })
const people = [
  someone('Ana', ['team-payments', 'sre']),
  someone('Ben', ['sre']),
  someone('Zoe', ['sre']),
  someone('Pia', ['team-payments']),
]
const escalate = { at: noon + 20 * minute, to: ['payments'] }
const pending = aGrant({
  state: 'pending',
  step: 'asked',
  tier: 'admin',
  until: noon + hour,
  approvers: { from: ['sre'], count: 2, escalate },
})

let jobs: Map<string, MessageJob>
beforeEach(() => {
  jobs = new Map()
})

/** Runs the job at a moment, and says what is told to whom. */
const run = async (
  what: string,
  after: number,
  grant: Grant | undefined = pending,
  genuine = true,
): Promise<string[]> => {
  const messages = {
    add: async (_name: string, job: MessageJob, { jobId }: { jobId: string }) => {
      expect(jobId).toMatch(/^(?!\d+$)[^:]+$/)
      if (!jobs.has(jobId)) jobs.set(jobId, readMessage(job) as MessageJob)
    },
  }
  const directory = indexDirectory({
    environment: 'sandbox',
    asOf: noon,
    people: people.map((one) => ({ ...one, groups: [...one.groups] })),
  })
  const tell = createTell(
    rulesOf(),
    directory,
    // Of the queue only `add` is used.
    messages as unknown as Queue<MessageJob>,
    frozenClock(noon + after),
  )
  const live: LiveGrants = {
    get: () => (grant === undefined ? undefined : ({ grant } as HeldGrant)),
    all: () => [],
    genuine: async () => genuine,
    epoch: () => 'epoch',
    confirmedUntil: () => Number.POSITIVE_INFINITY,
    catchUp: async () => undefined,
  }
  await askAgain(live, tell, { grant: pending.id, what })
  return [...jobs.values()].map((job) => {
    const to = 'channel' in job.to ? job.to.channel : job.to.user
    return job.kind === 'card' ? `${job.card} to ${to}` : `${job.text} (to ${to}, ${job.thread})`
  })
}
const approval = `approval/${pending.id}`
const waits = (to: string): string =>
  `*Ana* still waits for an approval of *admin* on \`orders-svc\`, because stuck orders. Decide before <!date^${(noon + hour) / 1_000}^{time}|13:00 UTC>, or it lapses. (to ${to}, ${approval})`
const ana = { who: { ...pending.who, name: 'Ana' } }

describe('What nobody has decided', () => {
  test('is brought up again with those who were asked, beside its buttons', async () => {
    expect(await run('ask again', 10 * minute, { ...pending, ...ana })).toEqual([
      waits('U0BEN00001'),
      waits('U0ZOE00001'),
    ])
  })

  test('not with who has approved it', async () => {
    const approvals = [
      { issuer: pending.who.issuer, subject: 'idp-ben', name: 'Ben', at: noon, teams: ['sre'] },
    ]
    expect(await run('ask again', 10 * minute, { ...pending, ...ana, approvals })).toEqual([
      waits('U0ZOE00001'),
    ])
  })

  test('is put before others, too, and whoever waits is told who they are', async () => {
    expect(await run('ask others', 20 * minute)).toEqual([
      `${approval} to U0PIA00001`,
      'Nobody has decided yet on *admin* on `orders-svc` for *Ana Lopes*. Asked now, too: Pia. (to U0ANA00001, undefined)',
    ])
  })

  test('of a page is told to its channel, too', async () => {
    const told = await run('ask others', 20 * minute, { ...pending, why: pageWhy() })
    expect(told.at(-1)).toContain('(to #inc-orders, undefined)')
  })

  test('is told once, however often the job runs', async () => {
    const once = await run('ask others', 20 * minute)
    expect(await run('ask others', 20 * minute)).toEqual(once)
  })

  test('is brought up with all of them before it lapses', async () => {
    expect(await run('ask last', 50 * minute, { ...pending, ...ana })).toEqual(
      ['U0BEN00001', 'U0PIA00001', 'U0ZOE00001'].map(waits),
    )
  })

  test.each<[string, Grant | undefined, boolean]>([
    ['was approved', { ...pending, state: 'active', step: 'approved' }, true],
    ['does not verify', pending, false],
  ])('is not brought up when it %s', async (_, grant, genuine) => {
    expect(await run('ask again', 10 * minute, grant, genuine)).toEqual([])
  })
})

test.each([['x'], [undefined], ['ask'], [7]])('Nothing else is brought up: %j', async (what) => {
  await expect(run(what as string, 0)).rejects.toThrow()
})
