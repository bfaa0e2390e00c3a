import type { Keys, PrivateKey } from '#access/adapters/keys.ts'
import type { ViewFollower } from '#access/adapters/redis/follow-view.ts'
import { kidOf, type Statements } from '#access/adapters/statements.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { principalKey } from '#access/domain/principal.ts'
import { confirmedAs } from '#access/domain/revocation.ts'
import type { View } from '#access/domain/view.ts'
import type { Revoked } from '#access/runtime/keep-revocations.ts'
import { doubtLocks } from '#access/runtime/undo-revoked.ts'
import type { Assertions } from './assertions.ts'
import type { GrantUses } from './grant-uses.ts'
import type { Pipeline } from './pipeline.ts'
import type { Reporter } from './reporter.ts'

const latelyMs = 5_000

/**
 * What this proxy does at once when a key was revoked: nothing that it signed admits anything from here on, and what is open
 * under it is cut. The confirmation comes last, once a proxy that is started again would know it, too.
 */
export const createRevokedKeys = ({
  keys,
  assertionKey,
  view,
  statements,
  follower,
  uses,
  assertions,
  lock,
  recheck,
  reporter,
  now,
}: {
  readonly keys: Keys
  readonly assertionKey: PrivateKey
  readonly view: View
  readonly statements: Statements
  readonly follower: Pick<ViewFollower, 'distrustHeads'>
  readonly uses: Pick<GrantUses, 'all'>
  readonly assertions: Pick<Assertions, 'forget' | 'end'>
  /** Cuts whatever a principal has open, and tells how much that was. */
  readonly lock: (principal: string) => number
  readonly recheck: Pipeline['recheck']
  readonly reporter: Pick<Reporter, 'confirm'>
  readonly now: () => number
}) => {
  /** What ends have cut lately: those that follow from a revocation may come before it. */
  let lately: readonly { readonly kid: string; readonly cuts: number; readonly at: number }[] = []

  const obey: Revoked = (kid, order, kept) => {
    let cuts = 0
    for (const held of view.distrust()) assertions.forget(held)
    for (const use of uses.all()) if (view.isDistrusted(use.held)) cuts += recheck(use.open)
    for (const { lock: doubted } of doubtLocks(view, statements)) cuts += lock(principalKey(doubted.who))
    if (keys.trusted.get(kid)?.role === 'head') follower.distrustHeads()
    view.forgetWord(kid)
    for (const { held, open } of uses.all())
      if (open.size > 0 && view.confirmedUntil(held.grant) <= now()) cuts += recheck(open)
    if (kid === assertionKey.kid) assertions.end()
    const before = lately.filter((one) => one.kid === kid && now() - one.at < latelyMs)
    cuts += before.reduce((sum, one) => sum + one.cuts, 0)
    if (order !== undefined) void kept.then(() => reporter.confirm(undefined, confirmedAs(order), kid, cuts))
  }

  return {
    obey,
    /** An end was carried out, and has cut so much. */
    ended: ({ statement }: HeldGrant, cuts: number): void => {
      if (cuts === 0) return
      const at = now()
      lately = [...lately.filter((one) => at - one.at < latelyMs), { kid: kidOf(statement), cuts, at }]
    },
  }
}
