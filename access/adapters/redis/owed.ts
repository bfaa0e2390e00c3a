import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { QueueName } from '../queues.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/** The queues whose jobs can't be told from the grants alone. */
export const owedQueues = ['messages', 'notes', 'summaries'] as const satisfies readonly QueueName[]
export type OwedQueue = (typeof owedQueues)[number]

const owedShape = z.strictObject({ since: z.int(), data: z.looseObject({}) })
const queueShape = z.enum(owedQueues)

/** Something that somebody is still to be told. What `data` says is checked by whoever carries it out. */
export type Owed = {
  readonly queue: OwedQueue
  readonly id: string
  readonly since: number
  readonly data: object
}

/**
 * What is still to be said, kept beside the jobs that say it: an entry is there before its job, and goes once the job was
 * carried out. So a job that vanished can be told from one that is done.
 */
export const createOwed = (redis: Redis) => ({
  /** One that is there already stays as it is. */
  put: ({ queue, id, ...rest }: Owed): Promise<unknown> =>
    reachable(redis.hsetnx(names.owed, `${queue}/${id}`, JSON.stringify(rest))),
  has: async (queue: OwedQueue, id: string): Promise<boolean> =>
    (await reachable(redis.hexists(names.owed, `${queue}/${id}`))) === 1,
  drop: (queue: OwedQueue, id: string): Promise<unknown> =>
    reachable(redis.hdel(names.owed, `${queue}/${id}`)),
  /** All of it, with the names of what can't be read. */
  all: async (): Promise<{ readonly owed: readonly Owed[]; readonly unreadable: readonly string[] }> => {
    const owed: Owed[] = []
    const unreadable: string[] = []
    for (let cursor = '0'; ; ) {
      const [to, fields] = await reachable(redis.hscan(names.owed, cursor, 'COUNT', 500))
      for (let index = 0; index < fields.length; index += 2) {
        const field = fields[index] ?? ''
        const one = readOwed(field, fields[index + 1] ?? '')
        if (one === undefined) unreadable.push(field)
        else owed.push(one)
      }
      if (to === '0') return { owed, unreadable }
      cursor = to
    }
  },
  forget: (field: string): Promise<unknown> => reachable(redis.hdel(names.owed, field)),
})
export type OwedBook = ReturnType<typeof createOwed>

const readOwed = (field: string, value: string): Owed | undefined => {
  const [queueName, ...rest] = field.split('/')
  const queue = queueShape.safeParse(queueName)
  const id = rest.join('/')
  if (!queue.success || id === '') return undefined
  try {
    return { queue: queue.data, id, ...owedShape.parse(JSON.parse(value)) }
  } catch {
    return undefined
  }
}
