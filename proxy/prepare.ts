import type { Allowed } from '#access/domain/decision.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Assertions } from './assertions.ts'

/**
 * Whatever a grant needs once before it is used for a service: its signature checked, an assertion minted. False: the
 * signature does not hold.
 */
export const createPrepare =
  (prove: (held: HeldGrant) => Promise<boolean>, assertions: Assertions) =>
  async ({ held, service }: Allowed): Promise<boolean> => {
    if (!(await prove(held))) return false
    await assertions.mint(held, service.name)
    return true
  }
