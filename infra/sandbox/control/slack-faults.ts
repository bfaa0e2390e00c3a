import { FAULT_KINDS } from '../slack/faults.ts'
import { methods } from '../slack/methods/methods.ts'
import { BadInput } from './bad-input.ts'
import type { Call } from './call.ts'
import { textField } from './fields.ts'
import { countField } from './slack-fields.ts'

export const failSlack: Call = {
  method: 'POST',
  path: '/slack/fail',
  takes: ['kind', 'method', 'count', 'retryAfter'],
  does:
    `Makes the next calls of Slack's Web API fail. kind= is one of ${FAULT_KINDS.join(', ')}; method= (left out: ` +
    'any), count= (left out: 1; 0 ends all faults), retryAfter= seconds.',
  example: { path: '/slack/fail', fields: ['kind=429', 'method=chat.postMessage', 'count=3'] },
  answer: ({ slack }, fields) => {
    const count = countField(fields, 'count') ?? 1
    if (count === 0) {
      slack.mend()
      return { text: 'Slack works again.', json: { count } }
    }
    const wanted = textField(fields, 'kind', '429')
    const kind = FAULT_KINDS.find((one) => one === wanted)
    if (!kind) throw new BadInput(`kind=${wanted} is not known: say one of ${FAULT_KINDS.join(', ')}.`)
    const method = fields['method']
    if (method !== undefined && !methods.has(method))
      throw new BadInput(
        `There is no method ${method}: method= takes one of ${[...methods.keys()].join(', ')}.`,
      )
    const retryAfter = countField(fields, 'retryAfter')
    const fault = { kind, count, ...(method && { method }), ...(retryAfter !== undefined && { retryAfter }) }
    slack.fail(fault)
    const calls = count === 1 ? 'call' : `${count} calls`
    return { text: `The next ${calls} of ${method ?? 'any method'} will fail: ${kind}.`, json: fault }
  },
}

export const refreshSockets: Call = {
  method: 'POST',
  path: '/slack/refresh-sockets',
  takes: ['count'],
  does: 'Asks Socket Mode connections to come again (the oldest count=, left out: all), as Slack does now and then.',
  example: { path: '/slack/refresh-sockets' },
  answer: ({ slack }, fields) => {
    const asked = slack.refreshSockets(countField(fields, 'count'))
    return { text: `${asked} asked to come again, ${slack.connections()} stay.`, json: { asked } }
  },
}
