import type { Queue } from 'bullmq'
import type { AuditLog } from '#access/adapters/audit-log.ts'
import type { ExpiryJob, MessageJob, SummaryJob } from '#access/adapters/queues.ts'
import type { Occasions } from '#access/adapters/redis/occasions.ts'
import type { Statements } from '#access/adapters/statements.ts'
import { auditLine } from '#access/domain/audit-record.ts'
import { isFault } from '#access/domain/errors.ts'
import { type End, type Grant, occasionOf } from '#access/domain/grant.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { grantGivenMessage } from '#access/messages/grant-given.ts'
import type { Clock, LiveGrants } from '#access/ports.ts'

export type DeriveParts = {
  readonly rules: RuleSet
  readonly statements: Statements
  readonly audit: AuditLog
  readonly clock: Clock
  readonly live: LiveGrants
  readonly occasions: Occasions
  readonly ended: (id: string) => Promise<{ readonly grant: Grant; readonly end: End } | undefined>
  readonly expiries: Queue<ExpiryJob>
  readonly messages: Queue<MessageJob>
  readonly summaries: Queue<SummaryJob>
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}

/** The proxies get this long to report before the first look. */
const summaryAfterMs = 300

/**
 * Turns one event of the stream into what follows from it: its audit record, the expiry job, the messages. Job ids
 * follow from the event, so that deriving twice adds nothing.
 */
export const createDeriveJobs = (parts: DeriveParts) => {
  const { rules, statements, audit, clock, live, occasions, expiries, messages, summaries } = parts

  const record = (event: string, step: string, grant: string, statement: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const line = auditLine({ kind: 'step', at: clock.now(), event, step, grant, statement })
      audit.append(line, true, (fault) => (fault === undefined ? resolve() : reject(fault)))
    })

  const given = async (grant: Grant): Promise<void> => {
    await occasions.add(occasionOf(grant), grant.id)
    await expiries.add(
      'expiry',
      { grant: grant.id },
      {
        jobId: `expiry-${grant.id}-${grant.version}`,
        delay: Math.max(0, grant.until - clock.now()),
      },
    )
    for (const channel of channelsOf(rules, grant)) {
      await messages.add(
        'given',
        { channel, text: grantGivenMessage(grant) },
        { jobId: `given-${grant.id}-${channel}` },
      )
    }
  }

  const ended = async (id: string, sequence: number): Promise<void> => {
    const known = await parts.ended(id)
    if (known === undefined) return
    await live.catchUp()
    const occasion = occasionOf(known.grant)
    if ([...live.all()].some(({ grant }) => occasionOf(grant) === occasion)) return
    await summaries.add(
      'summary',
      { occasion, sequence },
      { jobId: `summary-${occasion}-${sequence}`, delay: summaryAfterMs },
    )
  }

  return async (event: string, fields: readonly string[]): Promise<void> => {
    const [, kind = '', , id = '', , statement = ''] = fields
    await record(event, kind, id, statement)
    try {
      if (kind === 'grant') await given(await statements.verify('grant', statement))
      if (kind === 'end')
        await ended((await statements.verify('end', statement)).id, Number(event.split('-')[0]))
    } catch (error) {
      if (!isFault(error, 'statement/invalid')) throw error
      parts.alarm('an event does not verify; nothing follows from it', { event, error: error.message })
    }
  }
}

/** The incident channels of the services a grant names. */
export const channelsOf = (rules: RuleSet, grant: Grant): string[] => [
  ...new Set(grant.services.flatMap((name) => rules.services.get(name)?.channel ?? [])),
]
