import { policyService, type Service, serviceWithId } from './account.ts'
import { newId } from './ids.ts'
import type { Agent, Incident, LogEntry } from './incident-record.ts'
import { createIncidentStore, type IncidentStore, type IncidentStoreOptions } from './incident-store.ts'
import { mergeOperations } from './merge.ts'
import { invalidInput, notFound, PagerDutyError } from './pagerduty-error.ts'
import { agentName } from './references.ts'
import { responderOperations } from './responders.ts'
import { type Period, periodsOf } from './shifts.ts'

export type Trigger = {
  readonly service: Service
  readonly title: string
  readonly by: Agent
  readonly urgency?: 'high' | 'low'
  readonly priority?: string
  /** User id; left out, the on-call person of level 1 is paged. */
  readonly assignTo?: string
}

/**
 * The incidents of the account and what happens to them, each change with its log entry and its event. A change
 * PagerDuty would refuse throws a PagerDutyError.
 */
export const createIncidents = (options: IncidentStoreOptions) => {
  const store = createIncidentStore(options)
  const { state, find } = store
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
    ...statusOperations(store),
    ...assignmentOperations(store),
    ...detailOperations(store),
    ...mergeOperations(store),
    ...responderOperations(store),
    ...shiftOperations(store),
  }
}

export type Incidents = ReturnType<typeof createIncidents>

const shiftOperations = ({ state, save, time, onCallAt }: IncidentStore) => ({
  onCallAt,
  /** Who was, is and will be on call for a service. */
  periodsOf: (service: Service): readonly Period[] => periodsOf(state.shifts, service),

  /** Somebody's shift begins now. No webhook tells it. */
  changeShift(service: Service, user: string, level = 1, override = false): void {
    if (level < 1 || level > service.onCall.length) throw invalidInput('Escalation level not found')
    state.shifts.push({ service: service.id, level, user, at: time(), override })
    save()
  },
})

const statusOperations = ({
  state,
  time,
  findOpen,
  findResolved,
  log,
  assign,
  changeStatus,
  startAgain,
  close,
  finish,
  onCallAt,
  levelOf,
}: IncidentStore) => ({
  trigger({ service, title, by, urgency = 'high', priority, assignTo }: Trigger): Incident {
    const at = time()
    const level = levelOf(service, assignTo)
    const incident: Incident = {
      id: newId(),
      number: state.nextNumber,
      key: newId().toLowerCase(),
      title,
      service: service.id,
      policy: null,
      urgency,
      priority: priority ?? null,
      status: 'triggered',
      createdAt: at,
      updatedAt: at,
      resolvedAt: null,
      reopenedAt: null,
      statusChangedAt: at,
      statusChangedBy: by,
      level: level ?? 1,
      assignedVia: level === undefined ? 'direct_assignment' : 'escalation_policy',
      assignments: [],
      acknowledgements: [],
      mergedInto: null,
      responders: [],
      responderRequests: [],
    }
    const how = by.kind === 'user' ? 'through the website' : `through the API by ${agentName(by)}`
    log(incident, { type: 'trigger_log_entry', agent: by, summary: `Triggered ${how}` })
    assign(incident, assignTo ? [assignTo] : onCallAt(service, 1), by, 'assign_log_entry')
    state.nextNumber += 1
    state.incidents.push(incident)
    return finish({ event: 'triggered', incident, agent: by })
  },

  /**
   * By a user (an agent, or just the id), whose the incident becomes as PagerDuty does it: who was assigned already
   * keeps the time of it. By an integration it stays assigned as it is.
   */
  acknowledge(id: string, who: string | Agent): Incident {
    const incident = findOpen(id)
    const by: Agent = typeof who === 'string' ? { kind: 'user', id: who } : who
    changeStatus(incident, 'acknowledged', by)
    if (by.kind === 'user') {
      const user = by.id
      const others = incident.acknowledgements.filter((one) => !('user' in one && one.user === user))
      incident.acknowledgements = [...others, { at: time(), user }]
      const now = incident.acknowledgements.flatMap((one) => ('user' in one ? [one] : []))
      incident.assignments = now.map(
        (one) => incident.assignments.find((assigned) => assigned.user === one.user) ?? { ...one },
      )
    } else {
      incident.acknowledgements = [...incident.acknowledgements, { at: time(), service: incident.service }]
    }
    log(incident, { type: 'acknowledge_log_entry', agent: by, summary: `Acknowledged by ${agentName(by)}` })
    return finish({ event: 'acknowledged', incident, agent: by })
  },

  /** By a user, or by the service whose acknowledgement time-out ran out. */
  unacknowledge(id: string, by: Agent): Incident {
    const incident = findOpen(id)
    if (incident.status !== 'acknowledged') throw invalidInput('Incident is not acknowledged')
    startAgain(incident, by)
    const summary = `Unacknowledged by ${agentName(by)}`
    log(incident, { type: 'unacknowledge_log_entry', agent: by, summary })
    return finish({ event: 'unacknowledged', incident, agent: by })
  },

  resolve(id: string, by: Agent): Incident {
    const incident = findOpen(id)
    close(incident, by, `Resolved by ${agentName(by)}`)
    return finish({ event: 'resolved', incident, agent: by })
  },

  /** Triggered again, and assigned anew: to those given, or to who is on call at level 1. */
  reopen(id: string, by: Agent, to?: readonly string[]): Incident {
    const incident = findResolved(id)
    incident.reopenedAt = time()
    incident.resolvedAt = null
    incident.mergedInto = null
    incident.level = 1
    incident.assignedVia = to ? 'direct_assignment' : 'escalation_policy'
    log(incident, { type: 'reopen_log_entry', agent: by, summary: `Reopened by ${agentName(by)}` })
    assign(incident, to ?? onCallAt(escalatingService(incident), 1), by, 'assign_log_entry')
    startAgain(incident, by)
    return finish({ event: 'reopened', incident, agent: by })
  },
})

const assignmentOperations = ({ findOpen, assign, startAgain, finish, onCallAt }: IncidentStore) => ({
  reassign(id: string, ids: readonly string[], by: Agent): Incident {
    const incident = findOpen(id)
    assign(incident, ids, by, 'assign_log_entry')
    incident.assignedVia = 'direct_assignment'
    startAgain(incident, by)
    return finish({ event: 'reassigned', incident, agent: by })
  },

  /** To the level given, or the next one. */
  escalate(id: string, by: Agent, level?: number): Incident {
    const incident = findOpen(id)
    const next = level ?? incident.level + 1
    const onCall = onCallAt(escalatingService(incident), next)
    if (onCall.length === 0) throw new PagerDutyError(400, 1006, 'Cannot Escalate')
    assign(incident, onCall, by, 'escalate_log_entry')
    incident.level = next
    incident.assignedVia = 'escalation_policy'
    startAgain(incident, by)
    return finish({ event: 'escalated', incident, agent: by })
  },

  /** To another escalation policy (its id): its level 1 is paged. */
  delegate(id: string, policy: string, by: Agent): Incident {
    const incident = findOpen(id)
    const service = policyService(policy)
    if (!service) throw invalidInput('Escalation policy not found')
    assign(incident, onCallAt(service, 1), by, 'delegate_log_entry')
    incident.policy = policy
    incident.level = 1
    incident.assignedVia = 'escalation_policy'
    startAgain(incident, by)
    return finish({ event: 'delegated', incident, agent: by })
  },
})

const detailOperations = ({ find, findOpen, log, save, time, finish }: IncidentStore) => ({
  /** A priority by its name (P1), or null for none. */
  changePriority(id: string, priority: string | null, by: Agent): Incident {
    const incident = findOpen(id)
    const [before, after] = [incident.priority ?? 'none', priority ?? 'none']
    incident.priority = priority
    const summary = `Priority changed from "${before}" to "${after}" by ${agentName(by)}`
    log(incident, { type: 'priority_change_log_entry', agent: by, summary })
    return finish({ event: 'priority_updated', incident, agent: by })
  },

  /** No webhook tells it: only the log and the incident do. */
  changeUrgency(id: string, urgency: 'high' | 'low', by: Agent): Incident {
    const incident = findOpen(id)
    incident.urgency = urgency
    incident.updatedAt = time()
    const summary = `Urgency changed to ${urgency} by ${agentName(by)}`
    log(incident, { type: 'urgency_change_log_entry', agent: by, summary })
    save()
    return incident
  },

  addNote(id: string, user: string, content: string): LogEntry {
    const agent: Agent = { kind: 'user', id: user }
    const summary = `Note added by ${agentName(agent)}`
    const entry = log(find(id), { type: 'annotate_log_entry', agent, note: content, summary })
    save()
    return entry
  },
})

/** The service whose escalation policy the incident follows. */
const escalatingService = (incident: Incident): Service => {
  const service = incident.policy === null ? serviceWithId(incident.service) : policyService(incident.policy)
  if (!service) throw notFound()
  return service
}
