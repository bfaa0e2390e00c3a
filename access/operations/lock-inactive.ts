import type { Deactivated } from '../domain/directory-file.ts'
import { byOf } from '../domain/grant-transitions.ts'
import { principalKey } from '../domain/principal.ts'
import { type LockParts, lockPrincipal } from './lock-principal.ts'

/**
 * Locks out everybody of whom the directory says that they are not active: it is the identity provider's word, and proxies,
 * which don't read the directory, obey it by the lock. Whoever was let in again after the directory was signed stays in.
 * Returns how many were locked.
 */
export const lockInactive = async (parts: LockParts, { asOf, people }: Deactivated): Promise<number> => {
  await parts.live.catchUp()
  let count = 0
  for (const person of people) {
    const known = parts.locks.of(principalKey(person))
    if (known?.state === 'locked' || (known !== undefined && known.at >= asOf)) continue
    const by = { kind: 'directory', asOf } as const
    const { sequence } = await lockPrincipal(
      parts,
      byOf(person),
      by,
      'the directory says that they are not active',
    )
    if (sequence !== undefined) count += 1
  }
  return count
}
