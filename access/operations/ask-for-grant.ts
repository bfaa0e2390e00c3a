import { type Ask, decideAsk, type Refusal } from '../domain/decide-access.ts'
import { Fault } from '../domain/errors.ts'
import type { Grant } from '../domain/grant.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import { groupsOf, type RuleSet } from '../domain/rule-set.ts'
import type { Clock, Directory, GrantStore, LiveGrants, NewIds } from '../ports.ts'
import { buildGrant } from './build-grant.ts'
import { heldBy } from './find-held.ts'

/** The grant is `active`, or `pending` where others have to approve it first. */
export type AskOutcome = { readonly grant: Grant } | { readonly refused: Refusal }

const attempts = 3
const mostPasses = 20
/** Asking twice within a minute for the same is one ask. */
const sameMs = 60_000

export type AskParts = {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly live: LiveGrants
  readonly store: GrantStore
  readonly clock: Clock
  readonly newIds: NewIds
}

/** A person asks for a pass by hand. */
export const askForGrant = async (
  { rules, directory, live, store, clock, newIds }: AskParts,
  person: Person,
  ask: Ask,
): Promise<AskOutcome> => {
  const mine = heldBy(live, person, clock.now())
  const paged = mine.find(({ why, services }) => why.kind === 'page' && services.includes(ask.service))
  const decision = decideAsk(rules, person, ask, paged?.tier)
  if (!decision.give) return { refused: decision.refusal }
  const { proposal } = decision
  const same = mine.find(
    (grant) =>
      grant.state === proposal.state &&
      grant.services.includes(proposal.service.name) &&
      grant.tier === proposal.tier &&
      (grant.state === 'active'
        ? grant.until >= clock.now() + proposal.duration - sameMs
        : grant.duration === proposal.duration),
  )
  if (same !== undefined) return { grant: same }
  if (mine.length >= mostPasses) return { refused: { reason: 'too-many-passes' } }
  if (proposal.approvers !== undefined) {
    const others = directory
      .inGroups(groupsOf(rules, proposal.approvers.from))
      .filter((other) => principalKey(other) !== principalKey(person))
    if (others.length < proposal.approvers.count)
      return { refused: { reason: 'nobody-to-approve', tier: proposal.tier } }
  }
  const why = {
    kind: 'request',
    rule: proposal.rule,
    ...(ask.reason === undefined ? {} : { reason: ask.reason }),
  } as const
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const ids = { id: newIds.grant(), nonce: newIds.nonce() }
    const grant = buildGrant(rules, person, proposal, why, ids, clock.now())
    if ((await store.give(grant)).given) return { grant }
  }
  throw new Fault('store/conflict', `${attempts} new grant ids were all taken`)
}
