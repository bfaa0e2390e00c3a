import { Pool } from 'undici'
import { guardedConnect } from '../forward.ts'
import type { AddressGuard } from '../upstream-address.ts'

/** Rules say nothing of these; a workload that has less patience leaves by itself. Milliseconds. */
const connectMs = 10_000
const headersMs = 300_000

/**
 * The connections of one principal to the outside, by origin. Nobody shares them: an origin may take all that comes over
 * one for the same caller's (NTLM and Negotiate, RFC 4559). Certificates are always checked, whatever the environment says.
 */
export const createEgressPools = (guard: Pick<AddressGuard, 'check' | 'lookupFor'>) => {
  const pools = new Map<string, Pool>()
  return {
    /** `origin` is one that a rule names: there are as many as the rules say. */
    of: (origin: string): Pool => {
      const known = pools.get(origin)
      if (known !== undefined) return known
      const pool = new Pool(origin, {
        connect: guardedConnect(guard, origin, { timeout: connectMs, rejectUnauthorized: true }),
        headersTimeout: headersMs,
        // A stream may be silent for as long as it is let.
        bodyTimeout: 0,
        pipelining: 1,
      })
      pools.set(origin, pool)
      return pool
    },
    close: async (): Promise<void> => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}
export type EgressPools = ReturnType<typeof createEgressPools>
