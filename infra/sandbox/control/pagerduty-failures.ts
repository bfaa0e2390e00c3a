import { failureKinds } from '../pagerduty/rest/failures.ts'
import { BadInput } from './bad-input.ts'
import type { Call } from './call.ts'
import { countField, wordField } from './fields.ts'

export const failPagerDuty: Call = {
  method: 'POST',
  path: '/pagerduty/fail',
  takes: ['kind', 'count', 'path'],
  does: `Makes PagerDuty's API fail for the next count= requests (1) below path= (any): kind= is ${failureKinds.join(', ')}, or none to end it.`,
  example: { path: '/pagerduty/fail', fields: ['kind=429', 'count=3', 'path=/incidents'] },
  answer: ({ pagerduty }, fields) => {
    const kind = wordField(fields, 'kind', [...failureKinds, 'none'])
    if (kind === 'none') {
      pagerduty.mend()
      return { text: "PagerDuty's API answers again.", json: { kind } }
    }
    const path = fields['path'] ?? '/'
    if (!path.startsWith('/')) throw new BadInput(`A path starts with a slash: say path=/${path}`)
    const count = countField(fields, 'count') ?? 1
    pagerduty.fail({ kind, count, path })
    return { text: `The next ${count} to ${path} meet: ${kind}.`, json: { kind, count, path } }
  },
}
