import type { Redis } from 'ioredis'
import { isReviewOf } from '../../domain/glass-review.ts'
import { principalKey } from '../../domain/principal.ts'
import type { Clock, GlassReviews } from '../../ports.ts'
import type { Statements } from '../statements.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const replace = `
local known = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if known ~= ARGV[2] and known ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`

/**
 * Whose break-glass pass waits for its review: Redis keeps the last pass of each by their principal, and the review of each
 * by its id, signed. What nobody reviewed waits, whatever Redis says; and a pass that this process knew of goes on waiting
 * where Redis forgets it, or names an older one.
 */
export const createGlassReviews = (
  redis: Redis,
  statements: Statements,
  environment: string,
  clock: Clock,
): GlassReviews => {
  const last = new Map<string, string>()
  const stored = async (field: string): Promise<string> =>
    (await reachable(redis.hget(names.glassReviews, field))) ?? ''

  const reviewed = async (principal: string, grant: string): Promise<boolean> =>
    statements.verify('review', await stored(grant)).then(
      (review) => isReviewOf(review, grant, principal),
      () => false,
    )

  const waiting = async (principal: string): Promise<string | undefined> => {
    // First what is known here: what Redis names must not take its place before somebody has reviewed it.
    for (const grant of [last.get(principal) ?? '', await stored(principal)]) {
      if (grant === '' || (await reviewed(principal, grant))) continue
      last.set(principal, grant)
      return grant
    }
    return undefined
  }

  return {
    waiting,
    reviewed,
    begin: async (principal, grant) => {
      const before = await stored(principal)
      const other = await waiting(principal)
      if (other !== undefined && other !== grant) return false
      const words = [names.glassReviews, principal, before, grant]
      if ((await reachable(redis.eval(replace, 1, ...words))) !== 1) return false
      last.set(principal, grant)
      return true
    },
    done: async ({ id, who }, by) => {
      if ((await waiting(principalKey(who))) !== id) return false
      const review = { environment, grant: id, who, by, at: clock.now() }
      await reachable(redis.hset(names.glassReviews, id, await statements.sign('review', review)))
      return true
    },
  }
}
