import type { Grant } from '../domain/grant.ts'
import { byOf } from '../domain/grant-transitions.ts'
import type { Incident } from '../domain/incident.ts'
import { type Principal, principalKey } from '../domain/principal.ts'
import type { DecideParts, Directory } from '../ports.ts'
import { letGo, reachesAsFar } from './end-with-incident.ts'
import { standing } from './find-held.ts'

type RelieveParts = DecideParts & { readonly directory: Directory }

/**
 * Somebody's shift has begun, and they have gone to work by the pass that it brought: whom they take over from has theirs
 * for as long as the grace of its rule. Nobody who is on call again, and nothing that goes further than the other's.
 */
export const relieve = async (parts: RelieveParts, incident: Incident, used: string): Promise<boolean> => {
  const { rules, live, clock } = parts
  const grant = await standing(live, used, clock.now())
  const relieves = grant === undefined ? [] : relievedBy(grant, incident.id)
  if (grant === undefined || relieves.length === 0) return false
  const gone = relieves.filter((one) => isAmong(parts, incident.relieved ?? [], one)).map(principalKey)
  const isTheirs = (other: Grant): boolean =>
    other.state === 'active' &&
    other.why.kind === 'page' &&
    gone.includes(principalKey(other.who)) &&
    reachesAsFar(rules, other, grant)
  return letGo(parts, incident, 'handed over', false, isTheirs, byOf(grant.who))
}

/** Whom a running pass takes over from in this incident. */
const relievedBy = ({ state, why }: Grant, incident: string) =>
  state === 'active' && why.kind === 'page' && why.incident.id === incident ? (why.relieves ?? []) : []

/** Whether it came with a shift that is over, and nobody has taken it away since. */
export const isRelieved = (
  parts: Pick<RelieveParts, 'directory'>,
  { relieved = [] }: Pick<Incident, 'relieved'>,
  { who, why }: Grant,
): boolean => why.kind === 'page' && why.relieves !== undefined && isAmong(parts, relieved, who)

const isAmong = (
  { directory }: Pick<RelieveParts, 'directory'>,
  users: readonly string[],
  who: Principal,
): boolean =>
  users.some((user) => {
    const person = directory.byPagerDuty(user)
    return person !== undefined && principalKey(person) === principalKey(who)
  })
