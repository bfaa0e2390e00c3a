import { BadInput } from './bad-input.ts'
import type { Answer, Call, Fields, Sandbox } from './call.ts'
import { countField, wordField } from './fields.ts'
import { incidentField } from './incident-field.ts'

const MINUTE_MS = 60_000

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

export const disableWebhooks: Call = {
  method: 'POST',
  path: '/webhooks/disable',
  takes: ['how'],
  does: 'Disables the subscription: how=temporarily for a day, as after three drops, or how=off as by hand.',
  example: { path: '/webhooks/disable', fields: ['how=off'] },
  answer: (sandbox, fields) => {
    const how = fields['how'] === undefined ? 'off' : wordField(fields, 'how', ['off', 'temporarily'])
    sandbox.pagerduty.webhooks.disable(how === 'off' ? 'switched off' : 'temporarily')
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

export const holdWebhooks: Call = {
  method: 'POST',
  path: '/webhooks/hold',
  takes: ['incident'],
  does: 'Keeps back what is sent about an incident from now on; incident= left out: everything.',
  example: { path: '/webhooks/hold', fields: ['incident=1'] },
  answer: (sandbox, fields) => {
    sandbox.pagerduty.webhooks.hold(resourceOf(sandbox, fields))
    return status(sandbox)
  },
}

export const releaseWebhooks: Call = {
  method: 'POST',
  path: '/webhooks/release',
  takes: ['incident', 'order', 'late'],
  does: 'Sends what was kept back: order=reversed the newest first, late= as if so many minutes had gone by.',
  example: { path: '/webhooks/release', fields: ['incident=1', 'order=reversed', 'late=300'] },
  answer: (sandbox, fields) => {
    const order = fields['order'] === undefined ? 'sent' : wordField(fields, 'order', ['sent', 'reversed'])
    sandbox.pagerduty.webhooks.release(resourceOf(sandbox, fields), {
      reversed: order === 'reversed',
      lateByMs: (countField(fields, 'late') ?? 0) * MINUTE_MS,
    })
    return status(sandbox)
  },
}

export const repeatWebhook: Call = {
  method: 'POST',
  path: '/webhooks/repeat',
  takes: ['incident'],
  does: 'Sends the newest webhook about an incident once more, under the same id.',
  example: { path: '/webhooks/repeat', fields: ['incident=1'] },
  answer: (sandbox, fields) => {
    const incident = incidentField(sandbox, fields, 'incident')
    const deliveries = sandbox.pagerduty.webhooks.deliveries()
    const newest = deliveries.findLast(({ resource }) => resource === incident.id)
    if (!newest) throw new BadInput(`Nothing was sent about incident ${incident.id} yet.`, 409)
    sandbox.pagerduty.webhooks.repeat(newest.webhookId)
    return status(sandbox)
  },
}

const resourceOf = (sandbox: Sandbox, fields: Fields): string | undefined =>
  fields['incident'] === undefined ? undefined : incidentField(sandbox, fields, 'incident').id

const status = ({ pagerduty }: Sandbox): Answer => {
  const { enabled, drops, waiting, held } = pagerduty.webhooks.status()
  const deliveries = pagerduty.webhooks.deliveries()
  const lines = deliveries
    .slice(-20)
    .map(
      ({ eventType, resource, outcome, attempts }) =>
        `${eventType} ${resource}: ${outcome} (${attempts.join(', ')})`,
    )
  const counts = `${waiting} waiting, ${held} held, ${drops} dropped`
  const state = `The subscription is ${enabled ? 'enabled' : 'disabled'}; ${counts}.`
  return { text: [state, ...lines].join('\n'), json: { enabled, drops, waiting, held, deliveries } }
}
