import { userWithId } from './account.ts'
import type { Agent, Incident, Responder } from './incident-record.ts'
import type { IncidentStore } from './incident-store.ts'
import { invalidInput, PagerDutyError } from './pagerduty-error.ts'
import { agentName } from './references.ts'

export const responderOperations = ({ findOpen, log, time, finish }: IncidentStore) => ({
  /** Asks somebody (a user's id) to help. Only a user can ask; asked again, the request is pending anew. */
  addResponder(id: string, user: string, by: Agent, message = 'Please help'): Incident {
    const incident = findOpen(id)
    const asked = userWithId(user)
    if (!asked) throw invalidInput('Responder request target not found')
    if (by.kind !== 'user') throw new PagerDutyError(400, 1008, 'Requester User Not Found')
    const at = time()
    const responder: Responder = {
      user,
      state: 'pending',
      requester: by.id,
      message,
      requestedAt: at,
      updatedAt: at,
    }
    incident.responders = [...incident.responders.filter((one) => one.user !== user), responder]
    incident.responderRequests.push({ requester: by.id, message, at, users: [user] })
    const summary = `${agentName(by)} requested ${asked.name} as a responder`
    log(incident, { type: 'responder_request_log_entry', agent: by, summary })
    return finish({ event: 'responder.added', incident, agent: by, responder })
  },

  respond(id: string, user: string, answer: 'joined' | 'declined'): Incident {
    const incident = findOpen(id)
    const responder = incident.responders.find((one) => one.user === user)
    if (!responder) throw invalidInput('No responder request for this user')
    responder.state = answer
    responder.updatedAt = time()
    const agent: Agent = { kind: 'user', id: user }
    const summary = `${agentName(agent)} ${answer === 'joined' ? 'accepted' : 'declined'} the responder request`
    log(incident, { type: 'responder_reply_log_entry', agent, summary })
    return finish({ event: 'responder.replied', incident, agent, responder })
  },
})
