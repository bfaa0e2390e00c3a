import type { Job } from 'bullmq'
import { z } from 'zod'
import type { MessageJob, NoteJob } from '#access/adapters/queues.ts'
import { readJob } from '#access/adapters/read-job.ts'
import type { Fleet } from '#access/adapters/redis/fleet.ts'
import type { Ended } from '#access/adapters/redis/grant-store.ts'
import type { Occasions } from '#access/adapters/redis/occasions.ts'
import type { UsageStore } from '#access/adapters/redis/usage-store.ts'
import { incidentOf, occasionOf } from '#access/domain/grant.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { nameOfCard } from '#access/messages/cards.ts'
import { plainText } from '#access/messages/slack-text.ts'
import { summaryMessage, type Used } from '#access/messages/summary.ts'
import type { Clock } from '#access/ports.ts'
import type { AddTo } from '../outbox/keep-owed.ts'
import { putOff, waitedMs } from '../outbox/put-off.ts'
import { channelsOf } from '../outbox/tell.ts'

const shape = z.object({ occasion: z.string().regex(/^[A-Za-z0-9-]{1,64}$/), grants: z.int() })

/** A proxy that lives but does not report what was used is waited for so long, then the summary goes without it. */
const waitAtMostMs = 15_000
const lookAgainMs = 300

export type SumUpParts = {
  readonly rules: RuleSet
  readonly fleet: Fleet
  readonly occasions: Occasions
  readonly usages: UsageStore
  readonly ended: (id: string) => Promise<Ended | undefined>
  readonly messages: AddTo<MessageJob>
  readonly notes: AddTo<NoteJob>
  readonly clock: Clock
}

/** Sums up an occasion whose last pass has ended, once every proxy has told what was used. */
export const sumUp = async (
  parts: SumUpParts,
  job: Job<unknown>,
  token: string | undefined,
): Promise<void> => {
  const { occasion, grants } = readJob(shape, job.data, 'summary')
  const known = await Promise.all((await parts.occasions.grantsOf(occasion)).map(parts.ended))
  const ended = known.filter(
    (one): one is Ended => one?.end.state === 'ended' && occasionOf(one.grant) === occasion,
  )
  const now = parts.clock.now()
  const fresh = ended.filter(({ end }) => now - end.at < waitAtMostMs)
  const unconfirmed = await Promise.all(
    fresh.map(({ sequence, grant }) => parts.fleet.unconfirmed(sequence, grant.id)),
  )
  if (unconfirmed.flat().length > 0 && waitedMs(job) < waitAtMostMs) return putOff(job, token, lookAgainMs)
  if (ended.length === 0) return
  // Read after the confirmations: proxies report what was used before they confirm.
  const used: Used[] = await Promise.all(
    ended.map(async ({ grant, end }) => ({ grant, end, usage: await parts.usages.of(grant.id) })),
  )
  const text = summaryMessage(used)
  const thread = threadOf(used, occasion)
  for (const channel of new Set(used.flatMap(({ grant }) => channelsOf(parts.rules, grant)))) {
    await parts.messages.add(
      'summary',
      { kind: 'notice', to: { channel }, text, thread },
      { jobId: `summary-${occasion}-${grants}-${channel}` },
    )
  }
  if (used[0] === undefined || incidentOf(used[0].grant) === undefined) return
  await parts.notes.add(
    'summary',
    { incident: occasion, text: plainText(text) },
    { jobId: `note-${occasion}-${grants}` },
  )
}

/** Under the live message of the occasion, or where only a commander gave something under that. */
const threadOf = (used: readonly Used[], occasion: string): string => {
  const why = used[0]?.grant.why
  return why?.kind === 'command' && used.every(({ grant }) => grant.why.kind === 'command')
    ? nameOfCard({ kind: 'command', go: why.go })
    : nameOfCard({ kind: 'occasion', occasion })
}
