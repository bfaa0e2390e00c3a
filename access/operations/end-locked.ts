import { Fault } from '../domain/errors.ts'
import type { By } from '../domain/grant.ts'
import { byOf } from '../domain/grant-transitions.ts'
import type { Lock } from '../domain/lock.ts'
import { principalKey } from '../domain/principal.ts'
import type { GrantStore, LiveGrants } from '../ports.ts'
import { standing } from './find-held.ts'

/** No newer version is stored of what is somebody's who is locked out, but one may have been on its way. */
const attempts = 5

/**
 * Ends everything that somebody holds, is offered or asked for, because they are locked out. Doing it twice changes
 * nothing. Returns how many it ended.
 */
export const endLocked = async (
  { live, store }: { readonly live: LiveGrants; readonly store: GrantStore },
  { who, by }: Pick<Lock, 'who' | 'by'>,
): Promise<number> => {
  await live.catchUp()
  const key = principalKey(who)
  const ids = [...live.all()]
    .filter(({ grant }) => principalKey(grant.who) === key)
    .map(({ grant }) => grant.id)
  const ended = await Promise.all(ids.map((id) => endOne(live, store, id, personOf(by))))
  return ended.filter((one) => one).length
}

const endOne = async (
  live: LiveGrants,
  store: GrantStore,
  id: string,
  by: By | undefined,
): Promise<boolean> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    // Also what is just over: it may be written longer by a write that was on its way.
    const grant = await standing(live, id, Number.NEGATIVE_INFINITY)
    if (grant === undefined) return false
    if ((await store.end(grant, 'locked', by)).ended) return true
  }
  throw new Fault('store/conflict', `the pass ${id} changed ${attempts} times while it was to be ended`)
}

const personOf = (by: Lock['by']): By | undefined => (by.kind === 'person' ? byOf(by) : undefined)
