import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { keepDuty } from '#access/adapters/redis/duty.ts'
import type { OwedBook } from '#access/adapters/redis/owed.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import type { Clock, GrantStore, LiveGrants } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { addCounts, addGauge } from '#access/runtime/metrics.ts'
import { type GrantQueues, mendJob } from './grant-queues.ts'
import { type GrantJob, jobsOf } from './jobs-of.ts'
import { createReconcileOwed, type OwingQueues } from './reconcile-owed.ts'

/** Often enough that whoever takes over, too, finds an orphan within a minute. */
const reconcileEveryMs = 10_000
/** An expiry that is later than this comes no more. */
const overdueMs = 3_000
/** Jobs that are due from so long ago to so far ahead are looked for. */
const agoMs = 120_000
const aheadMs = 60_000
const atOnce = 16

export type ReconcileJobsParts = {
  readonly redis: Redis
  readonly live: LiveGrants
  readonly store: GrantStore
  readonly clock: Clock
  readonly queues: GrantQueues
  /** What is still to be said, and where. */
  readonly owed: OwedBook
  readonly owing: OwingQueues
  /** What changed without an event, and is to be shown. */
  readonly narrowed: () => readonly (() => Promise<void>)[]
  readonly holder: string
  readonly log: Logger
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
  readonly everyMs?: number
}

const outcomes = ['orphan', 'lost', 'altered', 'late'] as const
type Outcome = (typeof outcomes)[number]

/**
 * One worker of all looks again and again at what should have happened: a grant that is live past its end is ended, and a
 * job that is due soon and not there is made again, or that was to say something. Jobs are only helpers: the grants say what
 * there is to do, and what is owed what there is to say.
 */
export const startReconcilingJobs = (parts: ReconcileJobsParts) => {
  const { redis, live, store, clock, queues, holder, log, alarm } = parts
  const counts: Record<Outcome, number> = { orphan: 0, lost: 0, altered: 0, late: 0 }
  let doneAt: number | undefined

  const endOrphan = async (id: string): Promise<void> => {
    if ((await expireGrant({ live, store, clock }, id)) !== 'ended') return
    counts.orphan += 1
    log.warn({ grant: id }, 'a grant was live past its end, and was ended')
  }

  const mend = async (job: GrantJob): Promise<void> => {
    const was = await mendJob(queues, job, clock.now())
    if (was === undefined) return
    counts[was] += 1
    log.warn({ job: job.id, queue: job.queue, was }, 'a job was put right')
  }

  const unsaid = createReconcileOwed({
    owed: parts.owed,
    queues: parts.owing,
    clock,
    made: (queue, job) => {
      counts.lost += 1
      log.warn({ job, queue, was: 'lost' }, 'a job was put right')
    },
  })

  const duty = keepDuty({
    redis,
    duty: 'jobs',
    holder,
    everyMs: parts.everyMs ?? reconcileEveryMs,
    alarm,
    run: async ({ over }) => {
      await live.catchUp()
      const now = clock.now()
      const due: (() => Promise<void>)[] = []
      for (const held of live.all()) due.push(...(await dueOf(held, now)))
      due.push(...(await unsaid()), ...parts.narrowed())
      await eachOf(due, over)
      if (!over.aborted) doneAt = clock.now()
    },
  })

  /** What somebody forged is not worth a job, nor an end. */
  const dueOf = async (held: HeldGrant, now: number): Promise<(() => Promise<void>)[]> => {
    const { grant } = held
    if (grant.until + overdueMs <= now) return [() => endOrphan(grant.id)]
    const jobs = jobsOf(grant).filter(
      ({ at, name }) => at > now - agoMs && at < now + aheadMs && (name !== 'reminder' || at > grant.at),
    )
    if (jobs.length === 0 || !(await live.genuine(held))) return []
    return jobs.map((job) => () => mend(job))
  }

  return {
    measure: (registry: Registry): void => {
      addGauge(
        registry,
        'pagepass_jobs_reconciled_age_seconds',
        'Since this worker last looked for what jobs should have done; -1 where another does',
        () => (doneAt === undefined || !duty.mine() ? -1 : (clock.now() - doneAt) / 1_000),
      )
      addCounts(registry, {
        name: 'pagepass_jobs_reconciled_total',
        help: 'What this worker put right: grants live past their end, jobs lost, altered or late',
        label: 'what',
        read: () => outcomes.map((outcome) => [outcome, counts[outcome]] as const),
      })
    },
    stop: duty.stop,
  }
}

const eachOf = async (all: readonly (() => Promise<void>)[], over: AbortSignal): Promise<void> => {
  let next = 0
  let fault: unknown
  const goOn = async (): Promise<void> => {
    for (let one = all[next++]; one !== undefined && !over.aborted; one = all[next++])
      await one().catch((error: unknown) => {
        // What can't be done now is due the next time; the others are not kept waiting for it.
        fault ??= error
      })
  }
  await Promise.all(Array.from({ length: atOnce }, goOn))
  if (fault !== undefined) throw fault
}
