import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/** Holds how often a revocation was ordered: each order has a number, by which it is confirmed. */
const counter = '#'
/** A thousand keys is more than anybody ever had. What is beyond is somebody's who wants this read for ever. */
const mostKids = 1_000

export type StoredRevocation = { readonly kid: string; readonly order: number; readonly statement: string }

/** The revocations as Redis carries them. A field is overwritten by whoever orders the same again. */
export const createRevocationStore = (redis: Redis) => ({
  /** Gives the number of the order. */
  put: async (kid: string, statement: string): Promise<number> => {
    const order = await reachable(redis.hincrby(names.revocations, counter, 1))
    await reachable(redis.hset(names.revocations, kid, `${order} ${statement}`))
    return order
  },
  all: async (): Promise<readonly StoredRevocation[]> => {
    const fields = await reachable(redis.hgetall(names.revocations))
    return Object.entries(fields)
      .slice(0, mostKids)
      .flatMap(([kid, field]) => {
        const [, order, statement] = /^(\d{1,15}) (\S+)$/.exec(field) ?? []
        return order === undefined || statement === undefined
          ? []
          : [{ kid, order: Number(order), statement }]
      })
  },
})
export type RevocationStore = ReturnType<typeof createRevocationStore>
