import type { Ask, Proposal, Refusal } from '../domain/decide-access.ts'
import { couldApprove } from '../domain/decide-approval.ts'
import { decideAskAll } from '../domain/decide-ask-all.ts'
import type { Grant } from '../domain/grant.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import type { Person } from '../domain/principal.ts'
import type { RuleSet } from '../domain/rule-set.ts'
import type { Clock, Directory, GrantStore, LiveGrants, NewNonce } from '../ports.ts'
import { buildGrant } from './build-grant.ts'
import { heldBy, standing } from './find-held.ts'
import { whoDecides } from './who-decides.ts'

/** The grant is `active`, or `pending` where others have to approve it first. */
export type AskOutcome = { readonly grant: Grant } | { readonly refused: Refusal }

const mostPasses = 20
/** Asking twice within a minute for the same is one ask. */
const sameMs = 60_000
/** Ids are counted anew every hour, so that nobody's asks of a whole life are gone through. */
const countedMs = 3_600_000
const mostTimes = 200

export type AskParts = {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly live: LiveGrants
  readonly store: GrantStore
  readonly clock: Clock
  readonly newNonce: NewNonce
}

/** A person asks for a pass by hand. */
export const askForGrant = async (
  { rules, directory, live, store, clock, newNonce }: AskParts,
  person: Person,
  ask: Ask,
): Promise<AskOutcome> => {
  await live.catchUp()
  const mine = heldBy(live, person, clock.now())
  const paged = mine.find(({ why, services }) => why.kind === 'page' && services.includes(ask.service))
  const decision = decideAskAll(rules, person, ask, clock.now(), paged?.tier)
  if (!decision.give) return { refused: decision.refusal }
  const { proposal } = decision
  const same = mine.find((grant) => isSame(grant, proposal, clock.now()))
  const stands = same === undefined ? undefined : await standing(live, same.id, clock.now())
  if (stands !== undefined) return { grant: stands }
  // Pages come by themselves, and a storm of them must not keep anybody from asking.
  if (mine.filter(({ why }) => why.kind === 'request').length >= mostPasses)
    return { refused: { reason: 'too-many-passes' } }
  if (proposal.approvers !== undefined) {
    const { approvers } = proposal
    const { asked } = whoDecides(rules, directory, person, approvers, clock.now())
    if (!couldApprove(rules, asked, approvers, clock.now()))
      return { refused: { reason: 'nobody-to-approve', tier: proposal.tier } }
  }
  const why = {
    kind: 'request',
    rule: proposal.rule,
    ...(ask.reason === undefined ? {} : { reason: ask.reason }),
  } as const
  // The first, second … of this hour: ids that another bot, which is asked the same at this moment, arrives at too, so
  // that only one of them gives it. Two asks can miss each other only on either side of the full hour.
  const now = clock.now()
  const counted = [
    person.issuer,
    person.subject,
    ...namesOf(proposal).toSorted(),
    proposal.tier,
    Math.floor(now / countedMs),
  ]
  for (let time = 1; time <= mostTimes; time += 1) {
    const id = grantIdFromFacts([
      live.epoch(),
      rules.environment,
      'asked',
      ...counted.map(String),
      String(time),
    ])
    const grant = buildGrant(rules, person, proposal, why, { id, nonce: newNonce() }, now)
    if ((await store.give(grant)).given) return { grant }
    const meanwhile = await standing(live, id, now)
    if (meanwhile !== undefined && isSame(meanwhile, proposal, now)) return { grant: meanwhile }
  }
  return { refused: { reason: 'too-many-passes' } }
}

const namesOf = ({ service, services }: Proposal): readonly string[] => services ?? [service.name]

const isSame = (grant: Grant, proposal: Proposal, now: number): boolean => {
  const { state, tier, duration, begins } = proposal
  return (
    grant.state === state &&
    namesOf(proposal).every((name) => grant.services.includes(name)) &&
    grant.tier === tier &&
    grant.begins?.at === begins?.at &&
    (state === 'active' && begins === undefined
      ? grant.until >= now + duration - sameMs
      : grant.duration === duration)
  )
}
