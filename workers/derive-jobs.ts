import type { Queue } from 'bullmq'
import type { AuditLog } from '#access/adapters/audit-log.ts'
import type {
  BeginningJob,
  ExpiryJob,
  IncidentJob,
  QuestionJob,
  ReminderJob,
  SummaryJob,
} from '#access/adapters/queues.ts'
import type { Ended } from '#access/adapters/redis/grant-store.ts'
import type { Occasions } from '#access/adapters/redis/occasions.ts'
import type { Statements } from '#access/adapters/statements.ts'
import { auditLine } from '#access/domain/audit-record.ts'
import { isFault } from '#access/domain/errors.ts'
import { type Grant, mergedFromOf, occasionOf, occasionOfGo } from '#access/domain/grant.ts'
import type { Lock } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import { endLocked } from '#access/operations/end-locked.ts'
import type { Clock, GrantStore, LiveGrants, Locks } from '#access/ports.ts'
import { addJob } from './grant-queues.ts'
import { jobsOf } from './jobs-of.ts'
import type { AddTo } from './outbox/keep-owed.ts'
import type { Tell } from './outbox/tell.ts'

export type DeriveParts = {
  readonly statements: Statements
  readonly audit: AuditLog
  readonly clock: Clock
  readonly live: LiveGrants
  readonly locks: Locks
  readonly store: GrantStore
  readonly occasions: Occasions
  /** The rules hash. */
  readonly rules: string
  readonly ended: (id: string) => Promise<Ended | undefined>
  readonly tell: Tell
  /** Ends what a grant that is access now was handed over from. */
  readonly endBefore: (grant: Grant) => Promise<void>
  readonly expiries: Queue<ExpiryJob>
  readonly reminders: Queue<ReminderJob>
  readonly beginnings: Queue<BeginningJob>
  readonly questions: Queue<QuestionJob>
  readonly incidents: Queue<IncidentJob>
  readonly summaries: AddTo<SummaryJob>
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}

/** The proxies get this long to report before the first look. */
const summaryAfterMs = 300

/**
 * Turns one event of the stream into what follows from it: its audit record, the jobs at its times, the messages. Job
 * ids follow from the event, so that deriving twice adds nothing.
 */
export const createDeriveJobs = (parts: DeriveParts) => {
  const { statements, audit, clock, live, occasions, tell } = parts

  const record = (event: string, step: string, grant: string, statement: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const line = auditLine({
        kind: 'step',
        at: clock.now(),
        event,
        step,
        grant,
        statement,
        rules: parts.rules,
      })
      audit.append(line, true, (fault) => (fault === undefined ? resolve() : reject(fault)))
    })

  const stepped = async (grant: Grant, sequence: number): Promise<void> => {
    await occasions.add(occasionOf(grant), grant.id)
    if (grant.why.kind === 'command') await occasions.add(occasionOfGo(grant.why.go), grant.id)
    // Who has less than that left when it is given needs no reminder.
    for (const job of jobsOf(grant))
      if (job.name !== 'reminder' || job.at > clock.now()) await addJob(parts, job, clock.now())
    if (grant.state === 'active') await parts.endBefore(grant)
    await tell.stepped(grant, sequence)
    // The last pass that stood under an incident is not always ended: a merge takes it away.
    const mergedFrom = mergedFromOf(grant)
    if (grant.step === 'moved' && mergedFrom !== undefined) await sumUpWhenOver(mergedFrom)
  }

  const ended = async (id: string, sequence: number): Promise<void> => {
    const known = await parts.ended(id)
    if (known === undefined) return
    await tell.ended(known.grant, known.end, sequence)
    await sumUpWhenOver(occasionOf(known.grant))
  }

  /** Whoever locked them ends what they hold at once; here it is ended if they could not. */
  const locked = async (lock: Lock, sequence: number): Promise<void> => {
    await live.catchUp()
    if (parts.locks.of(principalKey(lock.who))?.state === 'locked') await endLocked(parts, lock)
    await tell.locked(lock, sequence)
  }

  const sumUpWhenOver = async (occasion: string): Promise<void> => {
    await live.catchUp()
    if ([...live.all()].some(({ grant }) => occasionOf(grant) === occasion)) return
    const grants = (await occasions.grantsOf(occasion)).length
    await parts.summaries.add(
      'summary',
      { occasion, grants },
      { jobId: `summary-${occasion}-${grants}`, delay: summaryAfterMs },
    )
  }

  return async (event: string, fields: readonly string[]): Promise<void> => {
    const [, kind = '', , id = '', , statement = ''] = fields
    await record(event, kind, id, statement)
    const sequence = Number(event.split('-')[0])
    try {
      if (kind === 'grant') await stepped(await statements.verify('grant', statement), sequence)
      if (kind === 'lock' || kind === 'lift') await locked(await statements.verify(kind, statement), sequence)
      if (kind === 'end') await ended((await statements.verify('end', statement)).id, sequence)
    } catch (error) {
      if (!isFault(error, 'statement/invalid')) throw error
      parts.alarm('an event does not verify; nothing follows from it', { event, error: error.message })
    }
  }
}
