import type { Queue } from 'bullmq'
import type { MessageJob } from '#access/adapters/queues.ts'
import type { Grant } from '#access/domain/grant.ts'
import { principalKey } from '#access/domain/principal.ts'
import { belongsTo, type RuleSet } from '#access/domain/rule-set.ts'
import { breakingGlassText, reviewMessage } from '#access/messages/break-glass-message.ts'
import { reviewersOf } from '#access/operations/review-glass.ts'
import type { Clock, Directory } from '#access/ports.ts'

/** More than so many are not told by direct message. */
const mostTold = 30

/**
 * Puts into the outbox, before the pass is access, what the channels of its services read, and the question to each who may
 * review it. Rejects where the outbox does not take all of it.
 */
export const createAnnounceGlass =
  ({
    rules,
    directory,
    messages,
    clock,
  }: {
    readonly rules: RuleSet
    readonly directory: Directory
    readonly messages: Pick<Queue<MessageJob>, 'add'>
    readonly clock: Clock
  }) =>
  async (grant: Grant): Promise<void> => {
    const name = 'breaks-glass'
    const channels = new Set(grant.services.flatMap((one) => rules.services.get(one)?.channel ?? []))
    for (const channel of channels)
      await messages.add(
        name,
        { kind: 'notice', to: { channel }, text: breakingGlassText(grant) },
        { jobId: `${name}-${grant.id}-${channel}` },
      )
    const reviewers = directory.activeWhere(
      (person) =>
        principalKey(person) !== principalKey(grant.who) &&
        belongsTo(rules, reviewersOf(rules, grant), person, clock.now()),
    )
    for (const person of reviewers.filter(({ slack }) => slack !== undefined).slice(0, mostTold))
      if (person.slack !== undefined)
        await messages.add(
          name,
          { kind: 'notice', to: person.slack, ...reviewMessage(grant, person) },
          { jobId: `${name}-${grant.id}-${person.slack.user}` },
        )
  }
