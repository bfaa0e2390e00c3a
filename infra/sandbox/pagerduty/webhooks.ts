import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { postWebhook, SUBSCRIPTION } from './webhook-post.ts'

/** PagerDuty's documented delivery rules; only the pauses between attempts are shorter than the real ones. */
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 10_000
const GIVE_UP_AFTER_MS = 48 * 3600 * 1000
const DROPS_TO_DISABLE = 3
const DISABLED_FOR_MS = 24 * 3600 * 1000

/** What the subscription asks for; `pagey.ping` comes anyway. */
const EVENTS: readonly string[] = [
  'incident.acknowledged',
  'incident.delegated',
  'incident.escalated',
  'incident.priority_updated',
  'incident.reassigned',
  'incident.reopened',
  'incident.resolved',
  'incident.responder.added',
  'incident.responder.replied',
  'incident.triggered',
  'incident.unacknowledged',
]

export type Delivery = {
  readonly webhookId: string
  readonly eventType: string
  readonly resource: string
  body: string
  /** The status of each attempt's answer, or `none`. */
  readonly attempts: (number | 'none')[]
  /** `held` on demand, until it is released. */
  outcome: 'waiting' | 'held' | 'delivered' | 'dropped' | 'discarded'
}

export type Release = {
  /** The newest first, against what PagerDuty promises within an incident. */
  readonly reversed?: boolean
  /** Milliseconds by which they are late: each says it occurred that much earlier. */
  readonly lateByMs?: number
}

export type WebhooksOptions = { readonly url: string; readonly secret: string; readonly now: () => number }

/** Delivers in order per resource. The secret may be several, comma-separated, as while one is rotated. */
export const createWebhooks = ({ url, secret, now }: WebhooksOptions) => {
  const secrets = secret.split(',').map((one) => one.trim())
  const deliveries: Delivery[] = []
  const lastOf = new Map<string, Promise<void>>()
  const heldResources = new Set<string>()
  const closing = new AbortController()
  let allHeld = false
  let dropsInARow = 0
  let drops = 0
  let disabledUntil = 0
  let active = true

  const enabled = (): boolean => active && now() >= disabledUntil

  const drop = (delivery: Delivery): void => {
    delivery.outcome = 'dropped'
    drops += 1
    dropsInARow += 1
    if (dropsInARow < DROPS_TO_DISABLE) return
    disabledUntil = now() + DISABLED_FOR_MS
    dropsInARow = 0
    for (const one of deliveries) {
      if (one.outcome === 'waiting' || one.outcome === 'held') one.outcome = 'discarded'
    }
  }

  const deliver = async (delivery: Delivery): Promise<void> => {
    const { webhookId, body } = delivery
    const giveUpAt = now() + GIVE_UP_AFTER_MS
    let wait = FIRST_PAUSE_MS
    while (delivery.outcome === 'waiting' && !closing.signal.aborted) {
      const status = await postWebhook({ url, webhookId, body, secrets, signal: closing.signal })
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
    delivery.outcome = 'waiting'
    const previous = lastOf.get(delivery.resource) ?? Promise.resolve()
    lastOf.set(
      delivery.resource,
      previous.then(() => deliver(delivery)),
    )
  }

  const add = (delivery: Delivery): void => {
    deliveries.push(delivery)
    if (allHeld || heldResources.has(delivery.resource)) delivery.outcome = 'held'
    else enqueue(delivery)
  }

  return {
    /** While the subscription is disabled nothing is queued. */
    send(eventType: string, resource: string, envelope: object): void {
      if (!enabled()) return
      const body = JSON.stringify(envelope)
      add({ webhookId: randomUUID(), eventType, resource, body, attempts: [], outcome: 'waiting' })
    },

    /** Delivers a webhook once more under the same id: PagerDuty promises at least once, not exactly once. */
    repeat(webhookId: string): void {
      const first = deliveries.find((delivery) => delivery.webhookId === webhookId)
      if (!first) throw new Error(`There was no webhook ${webhookId}.`)
      add({ ...first, attempts: [], outcome: 'waiting' })
    },

    /** From now on keeps back what is sent about a resource (an incident's id), or about everything. */
    hold(resource?: string): void {
      if (resource === undefined) allHeld = true
      else heldResources.add(resource)
    },

    /** Delivers what was kept back about a resource, or everything kept back, and keeps back no more of it. */
    release(resource?: string, { reversed = false, lateByMs = 0 }: Release = {}): void {
      if (resource === undefined) {
        allHeld = false
        heldResources.clear()
      } else heldResources.delete(resource)
      const held = deliveries.filter(
        (one) => one.outcome === 'held' && (resource === undefined || one.resource === resource),
      )
      for (const delivery of reversed ? held.toReversed() : held) {
        delivery.body = occurredEarlier(delivery.body, lateByMs)
        enqueue(delivery)
      }
    },

    /** Posts what was not asked of PagerDuty, signed once per secret: no retries, no effect on the subscription. */
    forge: (envelope: object, secretsUsed: readonly string[]): Promise<number | 'none'> =>
      postWebhook({
        url,
        webhookId: randomUUID(),
        body: JSON.stringify(envelope),
        secrets: secretsUsed,
        signal: closing.signal,
      }),

    enable(): void {
      active = true
      disabledUntil = 0
      dropsInARow = 0
    },

    /** Somebody switches the subscription off, or PagerDuty disables it for a day. */
    disable(how: 'switched off' | 'temporarily'): void {
      if (how === 'temporarily') disabledUntil = now() + DISABLED_FOR_MS
      else active = false
    },

    subscription: () => ({
      id: SUBSCRIPTION,
      url,
      events: EVENTS,
      active,
      temporarilyDisabled: now() < disabledUntil,
    }),
    status: () => ({
      enabled: enabled(),
      drops,
      waiting: deliveries.filter((one) => one.outcome === 'waiting').length,
      held: deliveries.filter((one) => one.outcome === 'held').length,
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

/** The body of an envelope of ours, with its event moved back in time. */
const occurredEarlier = (body: string, byMs: number): string => {
  if (byMs === 0) return body
  const envelope: { event: { occurred_at: string } } = JSON.parse(body)
  const occurred = new Date(Date.parse(envelope.event.occurred_at) - byMs).toISOString()
  return JSON.stringify({ event: { ...envelope.event, occurred_at: occurred } })
}
