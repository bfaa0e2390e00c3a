import { notFound } from '../pagerduty-error.ts'
import type { Webhooks } from '../webhooks.ts'
import { pageOf } from './page.ts'
import type { Route } from './route.ts'

export const listSubscriptions: Route = {
  method: 'GET',
  path: /^\/webhook_subscriptions$/,
  answer: ({ webhooks, query }) =>
    pageOf(query, 'webhook_subscriptions', [webhooks.subscription()], subscriptionShape),
}

export const getSubscription: Route = {
  method: 'GET',
  path: /^\/webhook_subscriptions\/(\w+)$/,
  answer: ({ webhooks, id }) => ({ webhook_subscription: subscriptionShape(withId(webhooks, id)) }),
}

/** How a subscription comes back that was disabled after three drops in a row. */
export const enableSubscription: Route = {
  method: 'POST',
  path: /^\/webhook_subscriptions\/(\w+)\/enable$/,
  answer: ({ webhooks, id }) => {
    withId(webhooks, id)
    webhooks.enable()
    return { webhook_subscription: subscriptionShape(webhooks.subscription()) }
  },
}

const withId = (webhooks: Webhooks, id: string) => {
  const subscription = webhooks.subscription()
  if (subscription.id !== id) throw notFound()
  return subscription
}

/** The secret is shown only once, when a subscription is made. */
const subscriptionShape = ({
  id,
  url,
  events,
  active,
  temporarilyDisabled,
}: ReturnType<Webhooks['subscription']>) => ({
  id,
  type: 'webhook_subscription',
  active,
  delivery_method: {
    id: 'PDELIVERY',
    type: 'http_delivery_method',
    url,
    secret: null,
    temporarily_disabled: temporarilyDisabled,
    custom_headers: [],
  },
  description: 'Pagepass',
  events,
  filter: { id: null, type: 'account_reference' },
})
