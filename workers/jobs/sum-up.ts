import type { Job, Queue } from 'bullmq'
import { DelayedError } from 'bullmq'
import { z } from 'zod'
import type { MessageJob } from '#access/adapters/queues.ts'
import type { Fleet } from '#access/adapters/redis/fleet.ts'
import type { Occasions } from '#access/adapters/redis/occasions.ts'
import type { UsageStore } from '#access/adapters/redis/usage-store.ts'
import type { End, Grant } from '#access/domain/grant.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { summaryMessage, type Used } from '#access/messages/summary.ts'
import type { Clock } from '#access/ports.ts'
import { channelsOf } from '../derive-jobs.ts'

const shape = z.object({ occasion: z.string(), sequence: z.int() })

/** A proxy that lives but does not report what was used is waited for so long, then the summary goes without it. */
const waitAtMostMs = 15_000
const lookAgainMs = 300

export type SumUpParts = {
  readonly rules: RuleSet
  readonly fleet: Fleet
  readonly occasions: Occasions
  readonly usages: UsageStore
  readonly ended: (id: string) => Promise<{ readonly grant: Grant; readonly end: End } | undefined>
  readonly messages: Queue<MessageJob>
  readonly clock: Clock
}

/** Sums up an occasion whose last pass has ended, once every proxy has told what was used. */
export const sumUp = async (
  parts: SumUpParts,
  job: Job<unknown>,
  token: string | undefined,
): Promise<void> => {
  const { occasion, sequence } = shape.parse(job.data)
  const now = parts.clock.now()
  if (now - job.timestamp < waitAtMostMs && (await parts.fleet.unconfirmed(sequence)).length > 0) {
    await job.moveToDelayed(now + lookAgainMs, token)
    throw new DelayedError()
  }
  const used: Used[] = []
  for (const id of await parts.occasions.grantsOf(occasion)) {
    const known = await parts.ended(id)
    if (known !== undefined) used.push({ ...known, usage: await parts.usages.of(id) })
  }
  const text = summaryMessage(used)
  for (const channel of new Set(used.flatMap(({ grant }) => channelsOf(parts.rules, grant)))) {
    await parts.messages.add(
      'summary',
      { channel, text },
      { jobId: `summary-${occasion}-${sequence}-${channel}` },
    )
  }
}
