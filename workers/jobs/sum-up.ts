import type { Job, Queue } from 'bullmq'
import { DelayedError } from 'bullmq'
import { z } from 'zod'
import type { MessageJob, NoteJob } from '#access/adapters/queues.ts'
import type { Fleet } from '#access/adapters/redis/fleet.ts'
import type { Occasions } from '#access/adapters/redis/occasions.ts'
import type { UsageStore } from '#access/adapters/redis/usage-store.ts'
import { type End, type Grant, occasionOf } from '#access/domain/grant.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { nameOfCard } from '#access/messages/cards.ts'
import { plainText } from '#access/messages/slack-text.ts'
import { summaryMessage, type Used } from '#access/messages/summary.ts'
import type { Clock } from '#access/ports.ts'
import { channelsOf } from '../outbox/tell.ts'

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
  readonly notes: Queue<NoteJob>
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
    if (known?.end.state === 'ended' && occasionOf(known.grant) === occasion)
      used.push({ ...known, usage: await parts.usages.of(id) })
  }
  if (used.length === 0) return
  const text = summaryMessage(used)
  for (const channel of new Set(used.flatMap(({ grant }) => channelsOf(parts.rules, grant)))) {
    await parts.messages.add(
      'summary',
      { kind: 'notice', to: { channel }, text, thread: nameOfCard({ kind: 'occasion', occasion }) },
      { jobId: `summary-${occasion}-${sequence}-${channel}` },
    )
  }
  if (used[0]?.grant.why.kind !== 'page') return
  await parts.notes.add(
    'summary',
    { incident: occasion, text: plainText(text) },
    { jobId: `note-${occasion}-${sequence}` },
  )
}
