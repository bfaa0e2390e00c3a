import type { Answer, Call, Sandbox } from './call.ts'

export const webhooks: Call = {
  method: 'GET',
  path: '/webhooks',
  does: 'Tells how the deliveries to the bot fare.',
  example: { path: '/webhooks' },
  answer: (sandbox) => status(sandbox),
}

export const enableWebhooks: Call = {
  method: 'POST',
  path: '/webhooks/enable',
  does: 'Enables the subscription again after three drops in a row disabled it.',
  example: { path: '/webhooks/enable' },
  answer: (sandbox) => {
    sandbox.pagerduty.webhooks.enable()
    return status(sandbox)
  },
}

export const pingWebhook: Call = {
  method: 'POST',
  path: '/webhooks/ping',
  does: 'Sends the test event pagey.ping.',
  example: { path: '/webhooks/ping' },
  answer: (sandbox) => {
    sandbox.pagerduty.ping()
    return status(sandbox)
  },
}

const status = ({ pagerduty }: Sandbox): Answer => {
  const { enabled, drops, waiting } = pagerduty.webhooks.status()
  const deliveries = pagerduty.webhooks.deliveries()
  const lines = deliveries
    .slice(-20)
    .map(
      ({ eventType, resource, outcome, attempts }) =>
        `${eventType} ${resource}: ${outcome} (${attempts.join(', ')})`,
    )
  const state = `The subscription is ${enabled ? 'enabled' : 'disabled'}; ${waiting} waiting, ${drops} dropped.`
  return { text: [state, ...lines].join('\n'), json: { enabled, drops, waiting, deliveries } }
}
