import { setTimeout as pause } from 'node:timers/promises'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { names } from '#access/adapters/redis/names.ts'
import type { Scene } from './scene.ts'

const patienceMs = 120_000
/** These are waited for, however late they are. What others put off is about times that no pass lasts till. */
const awaited: ReadonlySet<string> = new Set([queueNames.messages, queueNames.notes, queueNames.summaries])

/** Waits until nothing is due any more. Resolves with what still is when that takes too long. */
export const comeToRest = async (scene: Scene, redis: Redis): Promise<readonly string[]> => {
  const deadline = performance.now() + patienceMs
  for (let calm = 0; ; ) {
    const due = await dueNow(scene, redis)
    calm = due.length === 0 ? calm + 1 : 0
    // Between two stages there may be nothing for a moment.
    if (calm === 4 || performance.now() > deadline) return due
    await pause(250, undefined, { signal: scene.dropped })
  }
}

const dueNow = async ({ stack }: Scene, redis: Redis): Promise<string[]> => {
  const { waiting, held, enabled } = stack.world.pagerduty.webhooks.status()
  const due = [
    ...(enabled ? [] : ['PagerDuty disabled the subscription']),
    ...(waiting + held > 0 ? [`${waiting + held} webhooks`] : []),
  ]
  const live = await redis.hlen(names.live)
  if (live > 0) due.push(`${live} live passes`)
  const [group = []] = (await redis.xinfo('GROUPS', names.events)) as unknown[][]
  const of = (field: string): number => Number(group[group.indexOf(field) + 1])
  if (of('pending') + of('lag') > 0) due.push(`${of('pending') + of('lag')} events to derive from`)
  for (const name of Object.values(queueNames)) {
    const queue = new Queue(name, { connection: redis, prefix: queuePrefix })
    const { active = 0, waiting: waits = 0 } = await queue.getJobCounts('active', 'waiting')
    const delayed = (await queue.getDelayed()).filter(
      ({ timestamp, delay }) => awaited.has(name) || timestamp + delay <= Date.now(),
    ).length
    if (active + waits + delayed > 0)
      due.push(`${name}: ${active} active, ${waits} waiting, ${delayed} delayed`)
    await queue.close()
  }
  return due
}
