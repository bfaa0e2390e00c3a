import { type Ask, decideAsk, type Refusal } from '../domain/decide-access.ts'
import { Fault } from '../domain/errors.ts'
import type { Grant } from '../domain/grant.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { RuleSet } from '../domain/rule-set.ts'
import type { Clock, GrantStore, LiveGrants } from '../ports.ts'
import { buildGrant } from './build-grant.ts'

export type AskOutcome = { readonly grant: Grant } | { readonly refused: Refusal }

const attempts = 3
const mostPasses = 20
/** Asking twice within a minute for the same is one ask. */
const sameMs = 60_000

/** A person asks for a pass by hand. */
export const askForGrant = async (
  {
    rules,
    live,
    store,
    clock,
    newGrantId,
  }: {
    readonly rules: RuleSet
    readonly live: LiveGrants
    readonly store: GrantStore
    readonly clock: Clock
    readonly newGrantId: () => string
  },
  person: Person,
  ask: Ask,
): Promise<AskOutcome> => {
  const decision = decideAsk(rules, person, ask, pagedTier(live, person, ask.service, clock.now()))
  if (!decision.give) return { refused: decision.refusal }
  const { proposal } = decision
  const mine = passesOf(live, person, clock.now())
  const covering = mine.find(
    ({ services, tier, until }) =>
      services.includes(proposal.service.name) &&
      tier === proposal.tier &&
      until >= clock.now() + proposal.duration - sameMs,
  )
  if (covering !== undefined) return { grant: covering }
  if (mine.length >= mostPasses) return { refused: { reason: 'too-many-passes' } }
  const why = {
    kind: 'request',
    rule: proposal.rule,
    ...(ask.reason === undefined ? {} : { reason: ask.reason }),
  } as const
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const grant = buildGrant(rules, person, proposal, why, newGrantId(), clock.now())
    if ((await store.give(grant)).given) return { grant }
  }
  throw new Fault('store/conflict', `${attempts} new grant ids were all taken`)
}

const passesOf = (live: LiveGrants, person: Person, now: number): Grant[] => {
  const me = principalKey(person)
  return [...live.all()]
    .map(({ grant }) => grant)
    .filter((grant) => grant.until > now && principalKey(grant.who) === me)
}

/** The tier of the pass that a page gave this person for this service. */
const pagedTier = (live: LiveGrants, person: Person, service: string, now: number): string | undefined =>
  passesOf(live, person, now).find(({ why, services }) => why.kind === 'page' && services.includes(service))
    ?.tier
