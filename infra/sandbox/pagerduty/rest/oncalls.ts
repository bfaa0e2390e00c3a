import { services } from '../account.ts'
import { onCallShapes } from '../shapes.ts'
import { pageOf, passes } from './page.ts'
import type { Route } from './route.ts'

/** PagerDuty has no filter by level: every entry says its `escalation_level`. */
export const listOnCalls: Route = {
  method: 'GET',
  path: /^\/oncalls$/,
  answer: ({ query }) => {
    const policy = passes(query, 'escalation_policy_ids')
    const user = passes(query, 'user_ids')
    const found = services
      .flatMap(onCallShapes)
      .filter((one) => policy(one.escalation_policy.id) && user(one.user.id))
    return pageOf(query, 'oncalls', found, (one) => one)
  },
}
