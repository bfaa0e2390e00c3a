import type { Place } from '#access/adapters/queues.ts'
import type { Ended } from '#access/adapters/redis/grant-store.ts'
import type { Occasions } from '#access/adapters/redis/occasions.ts'
import { occasionOf, occasionOfGo } from '#access/domain/grant.ts'
import { narrowedTo } from '#access/domain/narrowed.ts'
import { isTakenByAcknowledging } from '#access/domain/page-rule.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { approvalMessage } from '#access/messages/approval-message.ts'
import type { Rendered } from '#access/messages/blocks.ts'
import { cardOfName } from '#access/messages/cards.ts'
import { commandMessage } from '#access/messages/command-message.ts'
import { keepMessage, reminderMessage } from '#access/messages/ending-message.ts'
import { handOverMessage } from '#access/messages/hand-over-message.ts'
import { liveMessage, movedMessage, type Standing } from '#access/messages/live-message.ts'
import { lockMessage } from '#access/messages/lock-message.ts'
import { offerMessage } from '#access/messages/offer-message.ts'
import type { Clock, Directory, LiveGrants, Locks } from '#access/ports.ts'

export type RenderParts = {
  readonly rules: RuleSet
  readonly directory: Pick<Directory, 'bySlack'>
  readonly live: LiveGrants
  readonly locks: Locks
  readonly occasions: Occasions
  readonly ended: (id: string) => Promise<Ended | undefined>
  readonly clock: Clock
}

/**
 * What a card shows now in a place, from the grants as they stand; undefined when there is nothing (any more) to show
 * there. Cards with buttons are for one known person; all but the question to approvers are for the grant's own.
 */
export const createRenderCard = ({ rules, directory, live, locks, occasions, ended, clock }: RenderParts) => {
  const personAt = (to: Place): Person | undefined =>
    'channel' in to ? undefined : directory.bySlack(to.team, to.user)

  const standingOf = async (id: string): Promise<Standing | undefined> => {
    const held = live.get(id)
    if (held === undefined) return ended(id)
    if (!(await live.genuine(held))) return undefined
    const { grant } = held
    return { grant, narrowed: narrowedTo(rules, grant, live.confirmedUntil(grant), clock.now()) }
  }

  const occasion = async (name: string): Promise<Rendered | undefined> => {
    const all = (await Promise.all((await occasions.grantsOf(name)).map(standingOf))).filter(
      (one) => one !== undefined,
    )
    // What a commander gave has a message of its own.
    const here = all.filter(({ grant }) => occasionOf(grant) === name && grant.why.kind !== 'command')
    if (here.length > 0) return liveMessage(here)
    return all[0] === undefined ? undefined : movedMessage(all[0].grant)
  }

  const command = async (go: string): Promise<Rendered | undefined> => {
    const all = await Promise.all((await occasions.grantsOf(occasionOfGo(go))).map(standingOf))
    const here = all.filter(
      (one) => one !== undefined && one.grant.why.kind === 'command' && one.grant.why.go === go,
    )
    return here.length === 0 ? undefined : commandMessage(here.filter((one) => one !== undefined))
  }

  const lockCard = (id: string, person: Person): Rendered | undefined => {
    const lock = locks.all().find((one) => one.id === id)
    return lock === undefined ? undefined : lockMessage(lock, person, rules.lock?.lift ?? 1)
  }

  return async (name: string, to: Place): Promise<Rendered | undefined> => {
    const card = cardOfName(name)
    if (card === undefined) return undefined
    await live.catchUp()
    if (card.kind === 'occasion') return occasion(card.occasion)
    if (card.kind === 'command') return command(card.go)
    const person = personAt(to)
    if (person === undefined) return undefined
    if (card.kind === 'lock') return lockCard(card.lock, person)
    const standing = await standingOf(card.grant)
    if (card.kind === 'handover') {
      const other = await standingOf(card.other)
      return standing === undefined ||
        other === undefined ||
        principalKey(person) !== principalKey(standing.grant.who)
        ? undefined
        : handOverMessage(standing, other)
    }
    if (standing === undefined) return undefined
    const { grant, end } = standing
    if (card.kind === 'approval') return approvalMessage(grant, end, person)
    if (principalKey(person) !== principalKey(grant.who)) return undefined
    switch (card.kind) {
      case 'offer':
        return offerMessage(grant, end, isTakenByAcknowledging(rules, grant))
      case 'keep':
        return keepMessage(grant, end)
      case 'reminder':
        return reminderMessage(grant, end, card.version)
    }
  }
}
