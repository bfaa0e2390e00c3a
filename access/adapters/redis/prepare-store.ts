import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/** Gives an empty Redis its epoch: the name of one life of its data. Does nothing when it has one. */
export const prepareStore = async (redis: Redis, epoch: string): Promise<void> => {
  await reachable(redis.set(names.epoch, epoch, 'NX'))
}
