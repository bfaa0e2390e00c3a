import type { Redis } from 'ioredis'
import { names } from './names.ts'

const replicasWithinMs = 500
const answerWithinMs = 1_500

/** Writes after an event, where that event is: a replica that has this has the event too. */
const mark = `
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
return 1
`

/**
 * Tells whether so many replicas have an event, which a failover does not lose then. WAIT holds up whatever comes after
 * it on its connection, so this has one of its own.
 */
export const createReplicated = (redis: Redis, replicas: number) => {
  const ask = async (sequence: number): Promise<boolean> => {
    const asked = redis.pipeline().eval(mark, 2, names.sequence, names.replicated, sequence)
    const replies = (await asked.wait(replicas, replicasWithinMs).exec()) ?? []
    const [marked, reached] = replies.map(([error, reply]) => (error === null ? Number(reply) : 0))
    return marked === 1 && (reached ?? 0) >= replicas
  }
  return {
    /** By the event's sequence number. False, too, where Redis does not say so in time. */
    reached: async (sequence: number): Promise<boolean> => {
      const late = Promise.withResolvers<boolean>()
      const timer = setTimeout(() => late.resolve(false), answerWithinMs)
      const asking = ask(sequence).catch(() => false)
      const reached = await Promise.race([asking, late.promise])
      clearTimeout(timer)
      return reached
    },
    stop: (): void => redis.disconnect(),
  }
}
export type Replicated = ReturnType<typeof createReplicated>
