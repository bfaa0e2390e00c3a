import { answerJson } from '#infra/sandbox/http/answer.ts'
import { listen } from '#infra/sandbox/http/listen.ts'
import { serve } from '#infra/sandbox/http/serve.ts'
import { services, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { incidentEnvelope } from '#infra/sandbox/pagerduty/envelope.ts'
import { newId } from '#infra/sandbox/pagerduty/ids.ts'
import type { Agent, Incident, LogEntry } from '#infra/sandbox/pagerduty/incident-record.ts'
import type { IncidentEvent } from '#infra/sandbox/pagerduty/incident-store.ts'
import { incidentShape, logEntryShape } from '#infra/sandbox/pagerduty/shapes.ts'
import { freePort } from '#infra/sandbox/start/ports.ts'
import type { Member } from './cast.ts'

/** The log's newest entry is its first. */
type Kept = { readonly incident: Incident; readonly entries: LogEntry[] }

const slowestMs = 8

/**
 * PagerDuty for the races: incidents in the sandbox's shapes, but for any number of people and without its limit of 960
 * requests a minute. An answer is what was true when it was asked, and comes a little later, as over a real network.
 */
export const startIncidents = async () => {
  const kept = new Map<string, Kept>()
  const find = (id: string): Kept => {
    const found = kept.get(id)
    if (found === undefined) throw new Error(`there is no incident ${id}`)
    return found
  }

  const answer = (path: string): object | undefined => {
    const [, id = '', list] = /^\/incidents\/([^/]+)(\/log_entries)?$/.exec(path) ?? []
    const found = kept.get(id)
    if (found === undefined) return undefined
    const { incident, entries } = found
    const service = serviceOf(incident)
    const into = incident.mergedInto === null ? undefined : kept.get(incident.mergedInto)?.incident
    if (list !== undefined)
      return { log_entries: entries.map((entry) => logEntryShape(entry, incident, service)), more: false }
    const first = entries.at(-1)
    return first && { incident: incidentShape(incident, service, first, into) }
  }

  const listening = await listen(
    serve(async (request, response) => {
      const found = JSON.stringify(answer(request.url?.split('?')[0] ?? '') ?? null)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * slowestMs))
      if (found === 'null') answerJson(response, 404, { error: { message: 'Not Found', code: 2100 } })
      else answerJson(response, 200, JSON.parse(found))
    }),
    await freePort(),
  )

  const change = (
    incident: Incident,
    changes: Partial<Incident>,
    by: Agent,
    type: LogEntry['type'],
  ): void => {
    const at = new Date().toISOString()
    Object.assign(incident, changes, { updatedAt: at })
    if (changes.status !== undefined) Object.assign(incident, { statusChangedAt: at, statusChangedBy: by })
    const { assignments = [] } = changes
    find(incident.id).entries.unshift({
      id: newId(),
      incident: incident.id,
      type,
      at,
      agent: by,
      summary: type,
      ...(type === 'assign_log_entry' && { assignees: assignments.map(({ user }) => user) }),
    })
  }

  return {
    port: listening.port,
    close: listening.close,
    /** Triggered by an integration the rules trust, `ago` milliseconds before now. */
    trigger: (
      service: 'PORDERS' | 'PPAYMTS',
      to: readonly Member[],
      number: number,
      ago: number,
    ): Incident => {
      const at = new Date(Date.now() - ago).toISOString()
      const by: Agent = { kind: 'integration', id: 'PIDATADOG', service }
      const incident: Incident = {
        id: newId(),
        number,
        key: newId(),
        title: `race ${number}`,
        service,
        policy: null,
        urgency: 'high',
        priority: null,
        status: 'triggered',
        createdAt: at,
        updatedAt: at,
        resolvedAt: null,
        reopenedAt: null,
        statusChangedAt: at,
        statusChangedBy: by,
        level: 1,
        assignedVia: 'escalation_policy',
        assignments: to.map(({ pagerduty: { user } }) => ({ at, user })),
        acknowledgements: [],
        mergedInto: null,
        responders: [],
        responderRequests: [],
      }
      const entry = { incident: incident.id, at, agent: by, summary: '' }
      const assignees = to.map(({ pagerduty: { user } }) => user)
      const entries: LogEntry[] = [
        { ...entry, id: newId(), type: 'assign_log_entry', assignees },
        { ...entry, id: newId(), type: 'trigger_log_entry' },
      ]
      kept.set(incident.id, { incident, entries })
      return incident
    },

    acknowledge: (incident: Incident, who: Member): void => {
      const { user } = who.pagerduty
      const at = new Date().toISOString()
      const assignments = incident.assignments.filter((one) => one.user === user)
      change(
        incident,
        {
          status: 'acknowledged',
          acknowledgements: [{ at, user }],
          assignments: assignments.length > 0 ? assignments : [{ at, user }],
        },
        byHand(who),
        'acknowledge_log_entry',
      )
    },
    /** By somebody who is paged by none of these incidents. */
    reassign: (incident: Incident, to: readonly Member[], by: Member): void => {
      const at = new Date().toISOString()
      const assignments = to.map(({ pagerduty: { user } }) => ({ at, user }))
      change(
        incident,
        { status: 'triggered', acknowledgements: [], assignments },
        byHand(by),
        'assign_log_entry',
      )
    },
    resolve: (incident: Incident, by: Agent, mergedInto: string | null = null): void =>
      change(
        incident,
        {
          status: 'resolved',
          resolvedAt: new Date().toISOString(),
          assignments: [],
          acknowledgements: [],
          mergedInto,
        },
        by,
        'resolve_log_entry',
      ),

    /** The body of a webhook about an incident as it is now. */
    envelope: (incident: Incident, event: IncidentEvent): string => {
      const into = incident.mergedInto === null ? undefined : find(incident.mergedInto).incident
      const happening = { event, incident, agent: incident.statusChangedBy }
      return JSON.stringify(incidentEnvelope(happening, serviceOf(incident), into, Date.now()))
    },
  }
}
export type RaceIncidents = Awaited<ReturnType<typeof startIncidents>>

export const byHand = ({ pagerduty }: Member): Agent => ({ kind: 'user', id: pagerduty.user })
export const byDatadog = ({ service }: Incident): Agent => ({ kind: 'integration', id: 'PIDATADOG', service })

const serviceOf = (incident: Incident) => {
  const service = serviceWithId(incident.service) ?? services[0]
  if (service === undefined) throw new Error('the sandbox has no services')
  return service
}
