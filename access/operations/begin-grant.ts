import { mayHold } from '../domain/decide-request.ts'
import type { Grant } from '../domain/grant.ts'
import { principalKey } from '../domain/principal.ts'
import { tierOf } from '../domain/rule-set.ts'
import type { DecideParts, Directory } from '../ports.ts'
import { standing } from './find-held.ts'
import { stillStanding } from './still-standing.ts'

export type BeginOutcome =
  /** It is access now. */
  | { readonly begun: Grant }
  /** Its holder may not have it any more, or too few of those who approved it still might. */
  | 'ended'
  /** It ended before, or never was. */
  | 'over'
  | { readonly dueAt: number }

const attempts = 5

/**
 * Looks again, when a pass that was asked for ahead begins, at whether its holder may have it and whether those who approved
 * it still might, as the directory has them now. It begins by itself; this only ends what should not have.
 */
export const beginGrant = async (
  parts: DecideParts & { readonly directory: Directory },
  id: string,
): Promise<BeginOutcome> => {
  const { live, store, clock } = parts
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const now = clock.now()
    const grant = await standing(live, id, now)
    if (grant?.state !== 'active') return 'over'
    if (now < grant.from) return { dueAt: grant.from }
    if (mayStill(parts, grant, now)) return { begun: grant }
    if ((await store.end(grant, 'revoked')).ended) return 'ended'
  }
  return 'over'
}

const mayStill = (
  { rules, directory }: DecideParts & { readonly directory: Directory },
  grant: Grant,
  now: number,
): boolean => {
  const holder = directory.byPrincipal(principalKey(grant.who))
  if (holder?.active !== true) return false
  const approvals = stillStanding(rules, directory, grant, now)
  const asOfNow = approvals.length === 0 ? { ...grant, approvals: undefined } : { ...grant, approvals }
  return grant.services.every((name) => {
    const service = rules.services.get(name)
    const tier = service === undefined ? undefined : tierOf(service, grant.tier)
    if (service === undefined || tier === undefined) return false
    return mayHold(rules, service, tier, holder, asOfNow, now, 'by others')
  })
}
