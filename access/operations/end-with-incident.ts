import { Fault } from '../domain/errors.ts'
import { type By, type Grant, incidentOf } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import type { HeldGrant } from '../domain/held.ts'
import type { Incident } from '../domain/incident.ts'
import { pageRuleOf } from '../domain/page-rule.ts'
import { principalKey } from '../domain/principal.ts'
import { reachOf, tierFor } from '../domain/reach.ts'
import { type RuleSet, tierOf } from '../domain/rule-set.ts'
import type { DecideParts, LiveGrants } from '../ports.ts'
import { endBefore } from './end-handed-over.ts'
import { standing } from './find-held.ts'

/** An integration may be wrong about an incident's end: its passes go on so long, with a button to keep them. */
const keepableMs = 1_800_000

/** Whether a grant stands because of this incident. */
export const isOf = (grant: Grant, incident: string): boolean => incidentOf(grant)?.id === incident

/** Everything that stands because of one incident: passes, offers, requests. */
export const heldOf = (live: LiveGrants, incident: string, now: number): HeldGrant[] =>
  [...live.all()].filter(({ grant }) => grant.until > now && isOf(grant, incident))

const attempts = 5

/**
 * Changes what stands because of an incident. `change` writes, and tells whether that was stored; undefined where
 * there is nothing to do. Where somebody else was faster, it decides again. Tells whether anything was changed.
 */
const changeAll = async (
  { live, clock }: DecideParts,
  incident: string,
  change: (grant: Grant, now: number) => Promise<boolean | undefined> | undefined,
): Promise<boolean> => {
  const one = async ({ grant: { id } }: HeldGrant): Promise<boolean> => {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const now = clock.now()
      const grant = await standing(live, id, now)
      const stored = grant !== undefined && isOf(grant, incident) ? await change(grant, now) : undefined
      if (stored === undefined) return false
      if (stored) return true
    }
    throw new Fault('store/conflict', `grant ${id} changed each time it was to follow its incident`)
  }
  await live.catchUp()
  const changed = await Promise.all(heldOf(live, incident, clock.now()).map(one))
  return changed.includes(true)
}

const everyone = (): boolean => true

/**
 * The incident lets go of its passes: they end after the grace of their rule, or at once where it has none. Where nobody
 * but an integration said so, they end after half an hour unless their holder keeps them.
 */
export const letGo = (
  parts: DecideParts,
  incident: Pick<Incident, 'id'>,
  cause: 'incident over' | 'handed over',
  keepable: boolean,
  which: (grant: Grant) => boolean = everyone,
  /** Whoever took over, where somebody did. */
  to?: By,
): Promise<boolean> => {
  const { rules, store } = parts
  const end = async (grant: Grant): Promise<boolean> => (await store.end(grant, cause, to)).ended
  return changeAll(parts, incident.id, (grant, now) => {
    if (!which(grant)) return undefined
    if (grant.state !== 'active') return end(grant)
    if (grant.kept && keepable) return undefined
    // What was said before stands; only a person ends at once what an integration let run on.
    if (grant.ending !== undefined && !(grant.ending.keepable && !keepable)) return undefined
    const grace = keepable ? keepableMs : graceOf(rules, grant)
    if (grace === 0) return end(grant)
    const until = Math.min(grant.until, now + grace)
    const ending = {
      cause,
      was: grant.ending?.was ?? grant.until,
      at: now,
      keepable,
      ...(to === undefined ? {} : { to }),
    }
    return stored(parts, nextVersion(grant, 'shortened', { until, ending }, now))
  })
}

/** Of its rule. What a commander gave has none of its own: the shortest of the page rules for its tier and services. */
const graceOf = (rules: RuleSet, grant: Grant): number => {
  if (grant.why.kind !== 'command') return pageRuleOf(rules, grant)?.grace ?? 0
  const graces = grant.services.map((name) => {
    const fitting = (rules.services.get(name)?.onPage ?? []).filter(({ give }) => give === grant.tier)
    return Math.min(...fitting.map(({ grace }) => grace))
  })
  const shortest = Math.min(...graces)
  return Number.isFinite(shortest) ? shortest : 0
}

const stored = async ({ store }: DecideParts, grant: Grant): Promise<boolean> =>
  (await store.give(grant)).given

/** What an incident had let go of is its again: it was reopened, or assigned back. */
export const takeBack = (
  parts: DecideParts,
  incident: Incident,
  which: (grant: Grant) => boolean,
): Promise<boolean> =>
  changeAll(parts, incident.id, (grant, now) =>
    grant.ending === undefined || !which(grant)
      ? undefined
      : stored(parts, nextVersion(grant, 'restored', { until: grant.ending.was }, now)),
  )

/** Merged: what the incident gave goes on under its parent. Who holds as much from the parent already needs it no more. */
export const moveTo = (parts: DecideParts, incident: Incident, parent: Incident): Promise<boolean> => {
  const { rules, live, store } = parts
  const { id, number, title } = parent
  return changeAll(parts, incident.id, async (grant, now) => {
    if (grant.why.kind === 'request') return undefined
    if (await anyGenuine(live, heldOf(live, id, now), (other) => coveredBy(rules, grant, other)))
      return (await store.end(grant, 'superseded')).ended
    const why = { ...grant.why, incident: { id, number, title }, mergedFrom: incident.id }
    const ending = grant.ending === undefined ? {} : { ending: grant.ending }
    return stored(parts, nextVersion(grant, 'moved', { why, ...ending }, now))
  })
}

/**
 * A pass came with a merge, was taken back, kept, taken or approved, when its holder had been given another: one that is
 * enough is left. Whoever makes one stand does this afterwards: of two who do so at once, the later sees both.
 */
export const endDoubles = async (parts: DecideParts, incident: string): Promise<boolean> => {
  const { rules, live, store, clock } = parts
  await live.catchUp()
  const holders = heldOf(live, incident, clock.now()).map(({ grant }) => principalKey(grant.who))
  if (new Set(holders).size === holders.length) return false
  return changeAll(parts, incident, async (grant, now) =>
    (await anyGenuine(live, heldOf(live, incident, now), (other) => isEnoughFor(rules, grant, other)))
      ? (await store.end(grant, 'superseded')).ended
      : undefined,
  )
}

/** What its holder made stand: where a page gave it, what it is enough for ends, and what it was handed over from. */
export const endBeside = async (parts: DecideParts, grant: Grant): Promise<void> => {
  await endBefore(parts, grant)
  const incident = incidentOf(grant)
  if (incident !== undefined) await endDoubles(parts, incident.id)
}

/** Whether there is such a one. What somebody forged makes no other needless. */
const anyGenuine = async (
  live: LiveGrants,
  all: readonly HeldGrant[],
  is: (grant: Grant) => boolean,
): Promise<boolean> => {
  for (const held of all) if (is(held.grant) && (await live.genuine(held))) return true
  return false
}

/** Whether what one opens another opens as far, or further. */
export const reachesAsFar = (rules: RuleSet, grant: Grant, other: Grant): boolean =>
  reachOf(grant).every(
    (name) => tierFor(other, name) !== undefined && rankOf(rules, name, other) >= rankOf(rules, name, grant),
  )

/** Of two that cover each other the same one is left, whoever looks. */
const isEnoughFor = (rules: RuleSet, grant: Grant, other: Grant): boolean => {
  if (other.id === grant.id) return false
  // Whoever has the pass needs no offer of it, however long the offer stands.
  if (other.state === 'active' && grant.state !== 'active')
    return coveredBy(rules, { ...grant, until: other.until }, other)
  return coveredBy(rules, grant, other) && (!coveredBy(rules, other, grant) || other.id < grant.id)
}

/** What a commander gave is ended as one, and so makes nothing else needless, nor is it made so. */
const coveredBy = (rules: RuleSet, grant: Grant, other: Grant): boolean =>
  grant.why.kind !== 'command' &&
  other.why.kind !== 'command' &&
  principalKey(other.who) === principalKey(grant.who) &&
  (other.state === 'active' || other.state === grant.state) &&
  other.ending === undefined &&
  other.until >= grant.until &&
  reachesAsFar(rules, grant, other)

const rankOf = (rules: RuleSet, service: string, grant: Grant): number => {
  const [known, tier] = [rules.services.get(service), tierFor(grant, service)]
  return (known === undefined || tier === undefined ? undefined : tierOf(known, tier)?.rank) ?? -1
}
