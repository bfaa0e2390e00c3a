import type { Redis } from 'ioredis'
import { names } from '#access/adapters/redis/names.ts'
import { readUnverified } from '#access/adapters/statements.ts'
import type { End, Grant } from '#access/domain/grant.ts'

/** A grant of the proof, and how it has to end. */
export type Told = { readonly id: string; readonly until: number; readonly cause: 'expired' | 'revoked' }

/**
 * What became of the grants, by the events alone: each has one end, for its own cause and not before its time, and nothing
 * after it.
 */
export const judge = async (redis: Redis, told: readonly Told[]) => {
  const violations: string[] = []
  const lateMs: number[] = []
  const ends = new Map<string, End>()
  const last = new Map<string, Grant>()
  for (const [, fields] of await redis.xrange(names.events, '-', '+')) {
    const [, kind, , id = '', , statement = ''] = fields
    if (kind === 'grant') {
      if (ends.has(id)) violations.push(`${id} was revived`)
      last.set(id, readUnverified('grant', statement))
    }
    if (kind !== 'end') continue
    if (ends.has(id)) violations.push(`${id} ended twice`)
    ends.set(id, readUnverified('end', statement))
  }
  const live = new Set(await redis.hkeys(names.live))
  for (const { id, until, cause } of told) {
    const end = ends.get(id)
    if (live.has(id)) violations.push(`${id} is live`)
    if (end === undefined) {
      violations.push(`${id} never ended`)
      continue
    }
    if (end.cause !== cause || end.state !== 'ended') violations.push(`${id} is ${end.state}: ${end.cause}`)
    if (last.get(id)?.until !== until) violations.push(`${id} was lengthened or shortened`)
    if (cause === 'expired' && end.at < until) violations.push(`${id} ended ${until - end.at} ms early`)
    if (cause === 'expired') lateMs.push(end.at - until)
  }
  if (last.size !== told.length) violations.push(`${last.size} grants where ${told.length} were given`)
  return { violations, lateMs }
}
