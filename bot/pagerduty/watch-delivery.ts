import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { type DeliveryState, deliveries } from '#access/adapters/pagerduty/subscriptions.ts'
import type { MessageJob } from '#access/adapters/queues.ts'
import { names } from '#access/adapters/redis/names.ts'
import { webhooksMessage } from '#access/messages/webhooks-message.ts'

export type WatchDeliveryParts = {
  readonly redis: Redis
  readonly messages: Queue<MessageJob>
  /** Where operators are told; without one only the log and the metric say it. */
  readonly channel: string | undefined
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}

/**
 * Tells once per change whether PagerDuty delivers webhooks. What was last told stands in Redis, with a number, so that
 * whoever has this duty next tells no change twice. It is written after the message was stored: nobody loses one either.
 */
export const tellDelivery = async (
  { redis, messages, channel, alarm }: WatchDeliveryParts,
  state: DeliveryState,
): Promise<void> => {
  const [count = '0', ...words] = ((await redis.get(names.webhooksTold)) ?? '').slice(0, 64).split(' ')
  const before = deliveries.find((one) => one === words.join(' '))
  if (before === state) return
  const number = /^\d{1,12}$/.test(count) ? Number(count) + 1 : 1
  // That all is well from the beginning is no news.
  if (before !== undefined || state !== 'delivered') {
    alarm('PagerDuty’s webhooks', { state, before })
    if (channel !== undefined)
      await messages.add(
        'webhooks',
        { kind: 'notice', to: { channel }, text: webhooksMessage(state) },
        { jobId: `webhooks-${number}-${state.replace(' ', '-')}` },
      )
  }
  await redis.set(names.webhooksTold, `${number} ${state}`)
}
