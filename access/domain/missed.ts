import { createHash } from 'node:crypto'
import type { Grant } from './grant.ts'
import type { Paged } from './incident.ts'
import { isTakenByAcknowledging } from './page-rule.ts'
import { type Person, principalKey } from './principal.ts'
import type { RuleSet } from './rule-set.ts'

/** What a glance at an incident says about the passes that stand because of it. */
export type Missed =
  /** A pass stands that PagerDuty's word does not hold any more. */
  | 'holds nobody'
  /** Somebody is paged who has nothing of it, or took by acknowledging what is still offered. */
  | 'gives'
  | 'nothing'

type Seen = {
  readonly open: boolean
  readonly acknowledgedBy: readonly string[]
  readonly paged: readonly Paged[]
}

/** Whether a grant waits for PagerDuty's word at all: what is ending, or was kept against it, does not. */
export const needsWord = ({ ending, kept }: Grant): boolean => ending === undefined && kept === undefined

/**
 * Compares an incident with the grants that stand because of it. Nothing is decided here: it only tells whether the
 * incident is worth following again.
 */
export const whatWasMissed = (
  rules: RuleSet,
  seen: Seen,
  services: readonly string[],
  grants: readonly Grant[],
  {
    personOf,
    isHeld,
    letGoBefore,
  }: {
    readonly personOf: (user: string) => Person | undefined
    readonly isHeld: (grant: Grant) => boolean
    readonly letGoBefore: (grant: Grant, paged: Paged) => boolean
  },
): Missed => {
  if (grants.some((grant) => needsWord(grant) && (!seen.open || !isHeld(grant)))) return 'holds nobody'
  if (!seen.open) return 'nothing'
  const lacks = seen.paged.some((paged) => {
    const person = personOf(paged.user)
    const theirs = grants.filter(
      (grant) =>
        grant.why.kind === 'page' && person !== undefined && principalKey(grant.who) === principalKey(person),
    )
    const acknowledged = seen.acknowledgedBy.includes(paged.user)
    return (
      services.some(
        (name) => !theirs.some((grant) => grant.services.includes(name) && !letGoBefore(grant, paged)),
      ) ||
      theirs.some(
        (grant) =>
          (grant.ending !== undefined && grant.ending.to === undefined) ||
          (acknowledged && grant.state === 'offered' && isTakenByAcknowledging(rules, grant)),
      )
    )
  })
  return lacks ? 'gives' : 'nothing'
}

/**
 * A name for what was seen (`state`; undefined where PagerDuty knows no such incident) and for what stands: when either
 * changes, what was missed is worth following anew.
 */
export const markOf = (state: string | undefined, grants: readonly Grant[]): string =>
  createHash('sha256')
    .update(JSON.stringify([state ?? null, grants.map(({ id, version }) => `${id} ${version}`).sort()]))
    .digest('hex')
    .slice(0, 24)
