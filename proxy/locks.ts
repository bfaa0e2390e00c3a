import { principalKey } from '#access/domain/principal.ts'
import type { View } from '#access/domain/view.ts'
import type { GrantUses } from './grant-uses.ts'
import type { Identities } from './identities.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * Shuts principals (`principalKey`) out, and lets them in again. The signed statements behind it are the view's (`lock-book.ts`).
 * Every decision asks the view, so a request whose token is
 * still being verified, or whose pass is, is refused when it comes to be decided.
 */
export const createLocks = ({
  view,
  identities,
  uses,
  recheck,
}: {
  readonly view: Pick<View, 'lock' | 'unlock'>
  readonly identities: Pick<Identities, 'forget'>
  readonly uses: Pick<GrantUses, 'all'>
  readonly recheck: Pipeline['recheck']
}) => ({
  /** Refused from now on, and cut at once whatever is open. Returns how many were cut. */
  lock: (principal: string): number => {
    view.lock(principal)
    identities.forget(principal)
    let cuts = 0
    for (const { held, open } of uses.all())
      if (open.size > 0 && principalKey(held.grant.who) === principal) cuts += recheck(open)
    return cuts
  },
  unlock: view.unlock,
})
