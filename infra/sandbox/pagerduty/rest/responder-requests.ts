import { z } from 'zod'
import { policyService } from '../account.ts'
import { responderRequestShape } from '../shapes.ts'
import { bodyAs, type Route } from './route.ts'

const requestSchema = z.object({
  requester_id: z.string(),
  message: z.string(),
  responder_request_targets: z
    .array(z.object({ responder_request_target: z.object({ id: z.string(), type: z.string() }) }))
    .min(1),
})

/** A target is a user, or an escalation policy: then whoever is on call at its first level. */
export const requestResponders: Route = {
  method: 'POST',
  path: /^\/incidents\/(\w+)\/responder_requests$/,
  answer: ({ incidents, id, body, from }) => {
    from()
    const { requester_id, message, responder_request_targets } = bodyAs(body, requestSchema)
    const users = responder_request_targets.map(({ responder_request_target: target }) => {
      const service = target.type.startsWith('escalation_policy') ? policyService(target.id) : undefined
      return (service && incidents.onCallAt(service, 1)[0]) ?? target.id
    })
    const by = { kind: 'user', id: requester_id } as const
    for (const user of users) incidents.addResponder(id, user, by, message)
    const incident = incidents.find(id)
    const at = incident.responderRequests.at(-1)?.at ?? incident.updatedAt
    return {
      responder_request: responderRequestShape({ requester: requester_id, at, message, users }, incident),
    }
  },
}
