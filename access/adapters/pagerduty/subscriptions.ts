import { z } from 'zod'
import { createRest, PagerDutyFault } from './rest.ts'

/** The events that change whom an incident pages, or whether it does: https://developer.pagerduty.com/docs/webhooks-overview */
export const neededEvents = [
  'incident.triggered',
  'incident.acknowledged',
  'incident.unacknowledged',
  'incident.reassigned',
  'incident.escalated',
  'incident.delegated',
  'incident.reopened',
  'incident.resolved',
  'incident.priority_updated',
  'incident.responder.added',
  'incident.responder.replied',
] as const

export type Subscription = {
  readonly id: string
  readonly url: string
  readonly active: boolean
  /** PagerDuty stopped delivering for a while, because too many deliveries were refused. */
  readonly temporarilyDisabled: boolean
  readonly events: readonly string[]
}

const pageShape = z.object({
  webhook_subscriptions: z.array(
    z.object({
      id: z.string(),
      active: z.boolean(),
      delivery_method: z.object({ url: z.string().nullish(), temporarily_disabled: z.boolean().nullish() }),
      events: z.array(z.string()),
    }),
  ),
  more: z.boolean().nullish(),
})
const perPage = 100
/** An account has a handful. */
const mostPages = 10

/**
 * The webhook subscriptions that this token sees: GET /webhook_subscriptions
 * (https://developer.pagerduty.com/api-reference). Rejects with a `PagerDutyFault`.
 */
export const listSubscriptions = async (baseUrl: string, token: string): Promise<Subscription[]> => {
  const { get } = createRest(baseUrl, token)
  const all: Subscription[] = []
  for (let offset = 0; offset < mostPages * perPage; offset += perPage) {
    const page = await get(`/webhook_subscriptions?limit=${perPage}&offset=${offset}`, pageShape)
    if (page === undefined)
      throw new PagerDutyFault('PagerDuty knows no GET /webhook_subscriptions', { status: 404 })
    for (const { id, active, delivery_method: delivery, events } of page.webhook_subscriptions)
      all.push({
        id,
        url: delivery.url ?? '',
        active,
        temporarilyDisabled: delivery.temporarily_disabled ?? false,
        events,
      })
    if (page.more !== true || page.webhook_subscriptions.length === 0) return all
  }
  return all
}

/** The bot's own address for webhooks. */
export const webhookPath = '/pagerduty/webhooks'

/** Those that deliver to a bot. */
export const oursAmong = (all: readonly Subscription[]): Subscription[] =>
  all.filter(({ url }) => URL.parse(url)?.pathname.endsWith(webhookPath))

/** How the bot hears of incidents: by the best of its subscriptions. */
export const deliveries = ['delivered', 'disabled', 'switched off', 'missing'] as const
export type DeliveryState = (typeof deliveries)[number]

export const deliveryOf = (all: readonly Subscription[]): DeliveryState => {
  const states = oursAmong(all).map(({ active, temporarilyDisabled }): DeliveryState => {
    if (!active) return 'switched off'
    return temporarilyDisabled ? 'disabled' : 'delivered'
  })
  return deliveries.find((state) => states.includes(state)) ?? 'missing'
}
