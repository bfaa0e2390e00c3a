import type { Grant } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import type { Incident } from '../domain/incident.ts'
import { principalKey } from '../domain/principal.ts'
import { type RuleSet, tierOf } from '../domain/rule-set.ts'
import type { HeldGrant } from '../domain/view.ts'
import type { Clock, GrantStore, LiveGrants } from '../ports.ts'

export type EndParts = {
  readonly rules: RuleSet
  readonly live: LiveGrants
  readonly store: GrantStore
  readonly clock: Clock
}

/** An integration may be wrong about an incident's end: its passes go on so long, with a button to keep them. */
const keepableMs = 1_800_000

/** Everything that stands because of one incident: passes, offers, requests. */
export const heldOf = (live: LiveGrants, incident: string): HeldGrant[] =>
  [...live.all()].filter(({ grant }) => grant.why.kind === 'page' && grant.why.incident.id === incident)

const everyone = (): boolean => true

/**
 * The incident lets go of its passes: they end after the grace of their rule, or at once where it has none. Where nobody
 * but an integration said so, they end after half an hour unless their holder keeps them.
 */
export const letGo = async (
  { rules, live, store, clock }: EndParts,
  incident: Incident,
  cause: 'incident over' | 'handed over',
  keepable: boolean,
  which: (grant: Grant) => boolean = everyone,
): Promise<void> => {
  await live.catchUp()
  const one = async (held: HeldGrant): Promise<void> => {
    const { grant } = held
    if (!which(grant) || !(await live.genuine(held))) return
    if (grant.state !== 'active') return void (await store.end(grant, cause))
    if (grant.kept && cause === 'incident over') return
    const grace = keepable ? keepableMs : graceOf(rules, grant)
    // What was said before stands; only a person ends at once what an integration let run on.
    if (grant.ending !== undefined && !(grant.ending.keepable && !keepable)) return
    if (grace === 0) return void (await store.end(grant, cause))
    const now = clock.now()
    const was = grant.ending?.was ?? grant.until
    const ending = { cause, was, keepable }
    await store.give(
      nextVersion(grant, 'shortened', { until: Math.min(grant.until, now + grace), ending }, now),
    )
  }
  await Promise.all(heldOf(live, incident.id).map(one))
}

const graceOf = (rules: RuleSet, { why }: Grant): number =>
  rules.onPage.find(({ id }) => id === why.rule)?.grace ?? 0

/** What an incident had let go of is its again: it was reopened, or assigned back. */
export const takeBack = async (
  { live, store, clock }: EndParts,
  incident: Incident,
  which: (grant: Grant) => boolean,
): Promise<void> => {
  const one = async (held: HeldGrant): Promise<void> => {
    const { grant } = held
    if (grant.ending === undefined || !which(grant) || !(await live.genuine(held))) return
    await store.give(nextVersion(grant, 'restored', { until: grant.ending.was }, clock.now()))
  }
  await Promise.all(heldOf(live, incident.id).map(one))
}

/** Merged: what the incident gave goes on under its parent. Who holds as much from the parent already needs it no more. */
export const moveTo = async (
  { rules, live, store, clock }: EndParts,
  incident: Incident,
  parent: Incident,
): Promise<void> => {
  await live.catchUp()
  const there = heldOf(live, parent.id).map(({ grant }) => grant)
  const one = async (held: HeldGrant): Promise<void> => {
    const { grant } = held
    if (grant.why.kind !== 'page' || !(await live.genuine(held))) return
    if (there.some((other) => coveredBy(rules, grant, other)))
      return void (await store.end(grant, 'superseded'))
    const { id, number, title } = parent
    const why = { ...grant.why, incident: { id, number, title }, mergedFrom: incident.id }
    await store.give(nextVersion(grant, 'moved', { why }, clock.now()))
  }
  await Promise.all(heldOf(live, incident.id).map(one))
}

const coveredBy = (rules: RuleSet, grant: Grant, other: Grant): boolean =>
  principalKey(other.who) === principalKey(grant.who) &&
  (other.state === 'active' || other.state === grant.state) &&
  other.ending === undefined &&
  other.until >= grant.until &&
  grant.services.every(
    (name) => other.services.includes(name) && rankOf(rules, name, other) >= rankOf(rules, name, grant),
  )

const rankOf = (rules: RuleSet, service: string, { tier }: Grant): number => {
  const known = rules.services.get(service)
  return (known === undefined ? undefined : tierOf(known, tier)?.rank) ?? -1
}
