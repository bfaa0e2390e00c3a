import type { Allowed } from '#access/domain/decision.ts'
import type { GrantUse } from '../exchange.ts'
import { countRefused, type GrantUses } from '../grant-uses.ts'
import { rateLimited } from '../rate-limit-headers.ts'
import type { RefusalFacts } from '../refuse.ts'

/** Takes one from what the tier lets this principal do in a second. Where there is none: what to tell them. */
export const takeOne = (
  uses: GrantUses,
  use: GrantUse,
  { service, tier }: Allowed,
  now: number,
): RefusalFacts | undefined => {
  const wait = uses.bucket(use, service, tier).take(now)
  if (wait === 0) return undefined
  countRefused(use, 'rate-limited')
  return rateLimited(tier, wait)
}
