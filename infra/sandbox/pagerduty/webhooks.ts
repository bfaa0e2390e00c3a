import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

/** PagerDuty's documented delivery rules; only the pauses between attempts are shorter than the real ones. */
const ANSWER_WITHIN_MS = 5000
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 10_000
const GIVE_UP_AFTER_MS = 48 * 3600 * 1000
const DROPS_TO_DISABLE = 3
const DISABLED_FOR_MS = 24 * 3600 * 1000
const SUBSCRIPTION = 'PWEBHOOK'

export type Delivery = {
  readonly webhookId: string
  readonly eventType: string
  readonly resource: string
  readonly body: string
  /** The status of each attempt's answer, or `none`. */
  readonly attempts: (number | 'none')[]
  outcome: 'waiting' | 'delivered' | 'dropped' | 'discarded'
}

export type WebhooksOptions = { readonly url: string; readonly secret: string; readonly now: () => number }

/** Delivers in order per resource. The secret may be several, comma-separated, as while one is rotated. */
export const createWebhooks = ({ url, secret, now }: WebhooksOptions) => {
  const deliveries: Delivery[] = []
  const lastOf = new Map<string, Promise<void>>()
  const closing = new AbortController()
  let dropsInARow = 0
  let drops = 0
  let disabledUntil = 0

  const enabled = (): boolean => now() >= disabledUntil

  const signature = (body: string): string =>
    secret
      .split(',')
      .map((one) => `v1=${createHmac('sha256', one.trim()).update(body).digest('hex')}`)
      .join(',')

  const attempt = async ({ webhookId, body }: Delivery): Promise<number | 'none'> => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          'user-agent': 'PagerDuty-Webhook/V3.0',
          'x-pagerduty-signature': signature(body),
          'x-webhook-id': webhookId,
          'x-webhook-subscription': SUBSCRIPTION,
        },
        body,
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      })
      await response.body?.cancel()
      return response.status
    } catch {
      return 'none'
    }
  }

  const drop = (delivery: Delivery): void => {
    delivery.outcome = 'dropped'
    drops += 1
    dropsInARow += 1
    if (dropsInARow < DROPS_TO_DISABLE) return
    disabledUntil = now() + DISABLED_FOR_MS
    dropsInARow = 0
    for (const one of deliveries) if (one.outcome === 'waiting') one.outcome = 'discarded'
  }

  const deliver = async (delivery: Delivery): Promise<void> => {
    const giveUpAt = now() + GIVE_UP_AFTER_MS
    let wait = FIRST_PAUSE_MS
    while (delivery.outcome === 'waiting' && !closing.signal.aborted) {
      const status = await attempt(delivery)
      if (closing.signal.aborted) return
      delivery.attempts.push(status)
      if (status !== 'none' && status >= 200 && status < 300) {
        delivery.outcome = 'delivered'
        dropsInARow = 0
      } else if (!mayBeRetried(status) || now() > giveUpAt) {
        drop(delivery)
      } else {
        await pause(wait, undefined, { signal: closing.signal }).catch(() => {})
        wait = Math.min(wait * 2, LONGEST_PAUSE_MS)
      }
    }
  }

  const enqueue = (delivery: Delivery): void => {
    deliveries.push(delivery)
    const previous = lastOf.get(delivery.resource) ?? Promise.resolve()
    lastOf.set(
      delivery.resource,
      previous.then(() => deliver(delivery)),
    )
  }

  return {
    /** While the subscription is disabled nothing is queued. */
    send(eventType: string, resource: string, envelope: object): void {
      if (!enabled()) return
      const body = JSON.stringify(envelope)
      enqueue({ webhookId: randomUUID(), eventType, resource, body, attempts: [], outcome: 'waiting' })
    },

    /** Delivers a webhook once more under the same id: PagerDuty promises at least once, not exactly once. */
    repeat(webhookId: string): void {
      const first = deliveries.find((delivery) => delivery.webhookId === webhookId)
      if (!first) throw new Error(`There was no webhook ${webhookId}.`)
      enqueue({ ...first, attempts: [], outcome: 'waiting' })
    },

    enable(): void {
      disabledUntil = 0
      dropsInARow = 0
    },

    status: () => ({
      enabled: enabled(),
      drops,
      waiting: deliveries.filter((one) => one.outcome === 'waiting').length,
    }),
    deliveries: (): readonly Delivery[] => deliveries,

    async close(): Promise<void> {
      closing.abort()
      await Promise.all(lastOf.values())
    },
  }
}

export type Webhooks = ReturnType<typeof createWebhooks>

const mayBeRetried = (status: number | 'none'): boolean =>
  status === 'none' || status === 429 || status >= 500
