import { type Person, principalKey } from '../domain/principal.ts'
import type { Directory, Locks } from '../ports.ts'

/**
 * The directory as it counts: who is locked out is not active. Nothing is given, offered or asked for by them or for them,
 * and they decide on nothing, in whatever operation.
 */
export const withoutLocked = (directory: Directory, locks: Pick<Locks, 'isLocked'>): Directory => {
  const asNow = (person: Person | undefined): Person | undefined =>
    person?.active === true && locks.isLocked(principalKey(person))
      ? { ...person, active: false, locked: true }
      : person
  return {
    bySlack: (team, user) => asNow(directory.bySlack(team, user)),
    byPagerDuty: (user) => asNow(directory.byPagerDuty(user)),
    byPrincipal: (principal) => asNow(directory.byPrincipal(principal)),
    activeWhere: (is) =>
      directory.activeWhere((person) => !locks.isLocked(principalKey(person)) && is(person)),
  }
}
