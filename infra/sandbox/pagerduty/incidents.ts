import { openStateFile } from '../state-file.ts'
import { type Service, serviceWithId, userWithId } from './account.ts'
import { newId } from './ids.ts'
import { type Agent, type Incident, type LogEntry, stateSchema } from './incident-record.ts'
import { notFound, PagerDutyError } from './pagerduty-error.ts'
import { agentName } from './references.ts'

export type IncidentEvent = 'triggered' | 'acknowledged' | 'reassigned' | 'escalated' | 'resolved'

export type Trigger = {
  readonly service: Service
  readonly title: string
  readonly by: Agent
  readonly urgency?: 'high' | 'low'
  readonly priority?: string
  /** User id; left out, the on-call person of level 1 is paged. */
  readonly assignTo?: string
}

export type IncidentsOptions = {
  readonly stateFile: string | undefined
  readonly now: () => number
  readonly onEvent: (event: IncidentEvent, incident: Incident, agent: Agent) => void
}

/** The incidents of the account and what happens to them, each change with its log entry and its event. */
export const createIncidents = ({ stateFile, now, onEvent }: IncidentsOptions) => {
  const { state, save } = openStateFile(stateFile, stateSchema, {
    nextNumber: 1,
    incidents: [],
    logEntries: [],
  })
  const time = () => new Date(now()).toISOString()

  const find = (id: string): Incident => {
    const incident = state.incidents.find((one) => one.id === id)
    if (!incident) throw notFound()
    return incident
  }

  const findOpen = (id: string): Incident => {
    const incident = find(id)
    if (incident.status === 'resolved') throw new PagerDutyError(400, 1001, 'Incident Already Resolved')
    return incident
  }

  const log = (incident: Incident, entry: Omit<LogEntry, 'id' | 'incident' | 'at'>): LogEntry => {
    const kept = { id: newId(), incident: incident.id, at: time(), ...entry }
    state.logEntries.push(kept)
    return kept
  }

  const finish = (event: IncidentEvent, incident: Incident, agent: Agent): Incident => {
    incident.updatedAt = time()
    save()
    onEvent(event, incident, agent)
    return incident
  }

  const changeStatus = (incident: Incident, status: Incident['status'], by: Agent): void => {
    incident.status = status
    incident.statusChangedAt = time()
    incident.statusChangedBy = by
  }

  const assign = (incident: Incident, ids: readonly string[], by: Agent, type: LogEntry['type']): void => {
    const assigned = ids.map((id) => userWithId(id))
    if (ids.length === 0 || assigned.includes(undefined)) {
      throw new PagerDutyError(400, 1007, 'Assigned To User Not Found')
    }
    const names = assigned.map((user) => user?.name).join(', ')
    incident.assignments = ids.map((user) => ({ at: time(), user }))
    log(incident, {
      type,
      agent: by,
      assignees: [...ids],
      summary: `Assigned to ${names} by ${agentName(by)}`,
    })
  }

  /** Whoever is newly assigned is paged again: the incident is triggered until somebody acknowledges it. */
  const startAgain = (incident: Incident, by: Agent): void => {
    incident.acknowledgements = []
    if (incident.status !== 'triggered') changeStatus(incident, 'triggered', by)
  }

  return {
    find,
    all: (): readonly Incident[] => state.incidents,
    logEntriesOf: (incident: string): readonly LogEntry[] =>
      state.logEntries.filter((entry) => entry.incident === incident),
    findLogEntry(id: string): LogEntry {
      const entry = state.logEntries.find((one) => one.id === id)
      if (!entry) throw notFound()
      return entry
    },

    trigger({ service, title, by, urgency = 'high', priority, assignTo }: Trigger): Incident {
      const at = time()
      const level = levelOf(service, assignTo)
      const incident: Incident = {
        id: newId(),
        number: state.nextNumber,
        key: newId().toLowerCase(),
        title,
        service: service.id,
        urgency,
        priority: priority ?? null,
        status: 'triggered',
        createdAt: at,
        updatedAt: at,
        resolvedAt: null,
        statusChangedAt: at,
        statusChangedBy: by,
        level: level ?? 1,
        assignedVia: level === undefined ? 'direct_assignment' : 'escalation_policy',
        assignments: [],
        acknowledgements: [],
      }
      const how = by.kind === 'user' ? 'through the website' : `through the API by ${agentName(by)}`
      log(incident, { type: 'trigger_log_entry', agent: by, summary: `Triggered ${how}` })
      assign(incident, assignTo ? [assignTo] : onCallAt(service, 1), by, 'assign_log_entry')
      state.nextNumber += 1
      state.incidents.push(incident)
      return finish('triggered', incident, by)
    },

    /** The incident becomes the acknowledging user's, as PagerDuty does it. */
    acknowledge(id: string, user: string): Incident {
      const incident = findOpen(id)
      const by: Agent = { kind: 'user', id: user }
      changeStatus(incident, 'acknowledged', by)
      const others = incident.acknowledgements.filter((one) => one.user !== user)
      incident.acknowledgements = [...others, { at: time(), user }]
      incident.assignments = incident.acknowledgements
      log(incident, { type: 'acknowledge_log_entry', agent: by, summary: `Acknowledged by ${agentName(by)}` })
      return finish('acknowledged', incident, by)
    },

    reassign(id: string, ids: readonly string[], by: Agent): Incident {
      const incident = findOpen(id)
      assign(incident, ids, by, 'assign_log_entry')
      incident.assignedVia = 'direct_assignment'
      startAgain(incident, by)
      return finish('reassigned', incident, by)
    },

    /** To the level given, or the next one. */
    escalate(id: string, by: Agent, level?: number): Incident {
      const incident = findOpen(id)
      const service = serviceWithId(incident.service)
      const next = level ?? incident.level + 1
      const onCall = service ? onCallAt(service, next) : []
      if (onCall.length === 0) throw new PagerDutyError(400, 1006, 'Cannot Escalate')
      assign(incident, onCall, by, 'escalate_log_entry')
      incident.level = next
      startAgain(incident, by)
      return finish('escalated', incident, by)
    },

    resolve(id: string, by: Agent): Incident {
      const incident = findOpen(id)
      changeStatus(incident, 'resolved', by)
      incident.resolvedAt = time()
      incident.assignments = []
      incident.acknowledgements = []
      log(incident, { type: 'resolve_log_entry', agent: by, summary: `Resolved by ${agentName(by)}` })
      return finish('resolved', incident, by)
    },

    addNote(id: string, user: string, content: string): LogEntry {
      const agent: Agent = { kind: 'user', id: user }
      const summary = `Note added by ${agentName(agent)}`
      const entry = log(find(id), { type: 'annotate_log_entry', agent, note: content, summary })
      save()
      return entry
    },
  }
}

export type Incidents = ReturnType<typeof createIncidents>

const onCallAt = (service: Service, level: number): readonly string[] =>
  service.onCall.slice(level - 1, level).map((person) => person.pagerduty.user)

/** The escalation level at which this user is on call; undefined when they are not, and so assigned directly. */
const levelOf = (service: Service, user: string | undefined): number | undefined => {
  if (user === undefined) return 1
  const index = service.onCall.findIndex((person) => person.pagerduty.user === user)
  return index === -1 ? undefined : index + 1
}
