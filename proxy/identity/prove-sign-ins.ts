import { fewAtOnce } from '#access/adapters/identity/few-at-once.ts'
import type { ProviderKeys } from '#access/adapters/identity/provider-keys.ts'
import { verifySignature } from '#access/adapters/identity/verify-sign-in.ts'
import { signInsOf } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'

/** Of tokens that were proven: the provider may take their key back long before their passes end. */
const mostKept = 10_000

/**
 * Checks the signatures of the sign-ins that a grant carries, once for each, and notes at the grant which hold. What they say
 * is looked at by the decision (`isApproved`, `isGlassSignedIn`).
 */
export const createProveSignIns = (keys: Pick<ProviderKeys, 'find'>) => {
  const inTurn = fewAtOnce(4)
  const proven = new Set<string>()

  const check = async (token: string): Promise<'holds' | 'does not hold' | 'unavailable'> => {
    if (proven.has(token)) return 'holds'
    const said = await inTurn(() => verifySignature(token, keys))
    if (said === 'holds') {
      proven.add(token)
      if (proven.size > mostKept) for (const oldest of proven) if (proven.delete(oldest)) break
    }
    return said
  }

  /** False where nobody can say now, since the provider's keys are not known. */
  const proveOne = async (held: HeldGrant): Promise<boolean> => {
    if (held.signIns !== undefined) return true
    const tokens = signInsOf(held.grant)
    const said = await Promise.all(tokens.map(check))
    if (said.includes('unavailable')) return false
    held.signIns = new Set(tokens.filter((_, index) => said[index] === 'holds'))
    return true
  }

  return async (all: readonly HeldGrant[]): Promise<boolean> =>
    (await Promise.all(all.map(proveOne))).every((known) => known)
}
export type ProveSignIns = ReturnType<typeof createProveSignIns>
