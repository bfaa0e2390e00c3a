import type { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { openQueue } from '#access/adapters/queues.ts'
import type { Random } from '../random.ts'

export const faultNames = [
  'none',
  'lost',
  'late',
  'early',
  'doubled',
  'altered',
  'swapped',
  'forged',
  'old',
  'extended',
  'revoked',
] as const
export type FaultName = (typeof faultNames)[number]

/** What says nothing that can be done, or did in another Pagepass. */
const unfit = [
  null,
  [],
  7,
  { grant: 7 },
  { grant: '__proto__' },
  { grants: ['aaaa-bbbb-cccc'] },
  { id: 'aaaa-bbbb-cccc', v: 0 },
  { grant: 'x'.repeat(5_000) },
]

const hourMs = 3_600_000

/** What whoever can write to Redis, and bad luck, do to jobs. Tells the ids of what must be refused, recorded and kept. */
export const createFaults = (redis: Redis, random: Random) => {
  const expiries: Queue<unknown> = openQueue<unknown>('expiries', redis)
  const others = (['beginnings', 'reminders', 'questions'] as const).map((name) => ({
    name,
    queue: openQueue<unknown>(name, redis),
  }))
  const refused: { readonly queue: string; readonly id: string }[] = []
  let forged = 0

  const forge = async (data: unknown, into: { name: string; queue: Queue<unknown> }): Promise<void> => {
    forged += 1
    const id = `forged-${forged}`
    await into.queue.add('forged', data, { jobId: id, delay: random.below(2_000), attempts: 5 })
    refused.push({ queue: into.name, id })
  }
  const somewhere = () => random.pick([{ name: 'expiries', queue: expiries }, ...others])

  const change = async (job: Job<unknown>, fault: FaultName, other: string): Promise<void> => {
    if (fault === 'lost') await job.remove()
    if (fault === 'late') await job.changeDelay(hourMs)
    if (fault === 'early') await job.promote()
    if (fault === 'altered') await job.updateData(random.chance(0.5) ? { grant: other } : random.pick(unfit))
    if (fault === 'swapped') {
      const theirs = await expiries.getJob(`expiry-${other}-1`)
      const [ours, foreign] = [job.data, theirs?.data]
      if (theirs === undefined) return
      await job.updateData(foreign)
      await theirs.updateData(ours)
    }
  }

  return {
    refused,
    /** `other` is another grant's id. */
    apply: async (grant: string, fault: FaultName, other: string): Promise<void> => {
      if (fault === 'doubled')
        for (const delay of [0, 1_000, random.below(9_000)])
          for (const { queue } of [{ queue: expiries }, ...others.slice(0, 1)])
            await queue.add('forged', { grant }, { delay, attempts: 3 })
      if (fault === 'forged') await forge(random.pick(unfit), somewhere())
      if (fault === 'old') await forge({ id: grant, version: 1, until: 0 }, somewhere())
      const job = await expiries.getJob(`expiry-${grant}-1`)
      // It may be under way, or done, by now: then there is nothing to change any more.
      if (job !== undefined) await change(job, fault, other).catch(() => undefined)
    },
    /** Whether it was refused with its reason, and is kept. */
    isKept: async ({ queue, id }: { readonly queue: string; readonly id: string }): Promise<boolean> => {
      const found = await [{ name: 'expiries', queue: expiries }, ...others]
        .find(({ name }) => name === queue)
        ?.queue.getJob(id)
      return found !== undefined && (await found.isFailed()) && found.failedReason.startsWith('this is no ')
    },
    close: async (): Promise<void> => {
      await Promise.all([expiries.close(), ...others.map(({ queue }) => queue.close())])
    },
  }
}
export type Faults = ReturnType<typeof createFaults>
