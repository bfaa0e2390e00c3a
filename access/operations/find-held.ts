import type { Grant } from '../domain/grant.ts'
import { type Principal, principalKey } from '../domain/principal.ts'
import type { LiveGrants } from '../ports.ts'

/** What this principal holds, offers and requests included. */
export const heldBy = (live: LiveGrants, who: Principal, now: number): Grant[] => {
  const key = principalKey(who)
  return [...live.all()]
    .map(({ grant }) => grant)
    .filter((grant) => grant.until > now && principalKey(grant.who) === key)
}

/** The newest version of a grant, with its signature checked; undefined when there is none that stands. */
export const standing = async (live: LiveGrants, id: string, now: number): Promise<Grant | undefined> => {
  await live.catchUp()
  const held = live.get(id)
  if (held === undefined || held.grant.until <= now || !(await live.genuine(held))) return undefined
  return held.grant
}

export type Own = { readonly grant: Grant } | { readonly refused: 'already-decided' | 'not-yours' }

/** The grant of this id, for what only the one it is for may do with it. */
export const ownStanding = async (
  live: LiveGrants,
  who: Principal,
  id: string,
  now: number,
): Promise<Own> => {
  const grant = await standing(live, id, now)
  if (grant === undefined) return { refused: 'already-decided' }
  return principalKey(grant.who) === principalKey(who) ? { grant } : { refused: 'not-yours' }
}

export type Named = { readonly grant: Grant } | { readonly choose: readonly Grant[] } | undefined

/**
 * The grant somebody names by its id, or by its service where they hold just one of it. A pass goes before what is only
 * offered or asked for.
 */
export const named = async (live: LiveGrants, who: Principal, name: string, now: number): Promise<Named> => {
  const byId = await standing(live, name, now)
  if (byId !== undefined) return { grant: byId }
  const all = heldBy(live, who, now).filter(({ services }) => services.includes(name))
  const passes = all.filter(({ state }) => state === 'active')
  const mine = passes.length > 0 ? passes : all
  if (mine.length > 1) return { choose: mine }
  const grant = mine[0] === undefined ? undefined : await standing(live, mine[0].id, now)
  return grant === undefined ? undefined : { grant }
}
