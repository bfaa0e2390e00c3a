import { openStateFile } from '../state-file.ts'
import { type Service, userWithId } from './account.ts'
import { newId } from './ids.ts'
import { type Agent, type Incident, type LogEntry, type Responder, stateSchema } from './incident-record.ts'
import { invalidInput, notFound, PagerDutyError } from './pagerduty-error.ts'
import { agentName } from './references.ts'
import { isAt, periodsOf } from './shifts.ts'

/** Event types of V3 webhooks, without their `incident.`. A changed urgency sends none. */
export type IncidentEvent =
  | 'triggered'
  | 'acknowledged'
  | 'unacknowledged'
  | 'reassigned'
  | 'delegated'
  | 'escalated'
  | 'priority_updated'
  | 'reopened'
  | 'resolved'
export type ResponderEvent = 'responder.added' | 'responder.replied'

export type Happening =
  | { readonly event: IncidentEvent; readonly incident: Incident; readonly agent: Agent }
  | {
      readonly event: ResponderEvent
      readonly incident: Incident
      readonly agent: Agent
      readonly responder: Responder
    }

export type IncidentStoreOptions = {
  readonly stateFile: string | undefined
  readonly now: () => number
  readonly onEvent: (happening: Happening) => void
}

/** What every operation on incidents is made of: finding, logging, assigning, telling. */
export const createIncidentStore = ({ stateFile, now, onEvent }: IncidentStoreOptions) => {
  const { state, save } = openStateFile(stateFile, stateSchema, {
    nextNumber: 1,
    incidents: [],
    logEntries: [],
    shifts: [],
  })
  const time = (): string => new Date(now()).toISOString()

  const find = (id: string): Incident => {
    const incident = state.incidents.find((one) => one.id === id)
    if (!incident) throw notFound()
    return incident
  }

  const log = (incident: Incident, entry: Omit<LogEntry, 'id' | 'incident' | 'at'>): LogEntry => {
    const kept = { id: newId(), incident: incident.id, at: time(), ...entry }
    state.logEntries.push(kept)
    return kept
  }

  const changeStatus = (incident: Incident, status: Incident['status'], by: Agent): void => {
    incident.status = status
    incident.statusChangedAt = time()
    incident.statusChangedBy = by
  }

  /** By level: who is on call for this service now. */
  const onCallNow = (service: Service): readonly string[] =>
    periodsOf(state.shifts, service)
      .filter((period) => isAt(period, now()))
      .map(({ user }) => user)

  return {
    state,
    save,
    time,
    find,
    onCallAt: (service: Service, level: number): readonly string[] =>
      onCallNow(service).slice(level - 1, level),

    /** The escalation level at which this user is on call; undefined when they are not, and so assigned directly. */
    levelOf(service: Service, user: string | undefined): number | undefined {
      if (user === undefined) return 1
      const index = onCallNow(service).indexOf(user)
      return index === -1 ? undefined : index + 1
    },

    log,
    changeStatus,

    findOpen(id: string): Incident {
      const incident = find(id)
      if (incident.status === 'resolved') throw new PagerDutyError(400, 1001, 'Incident Already Resolved')
      return incident
    },

    findResolved(id: string): Incident {
      const incident = find(id)
      if (incident.status !== 'resolved') throw invalidInput('Incident is not resolved')
      return incident
    },

    /** Assigns anew: also for somebody assigned before, the time of the assignment is now. */
    assign(incident: Incident, ids: readonly string[], by: Agent, type: LogEntry['type']): void {
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
    },

    /** Whoever is newly assigned is paged again: the incident is triggered until somebody acknowledges it. */
    startAgain(incident: Incident, by: Agent): void {
      incident.acknowledgements = []
      if (incident.status !== 'triggered') changeStatus(incident, 'triggered', by)
    },

    close(incident: Incident, by: Agent, summary: string): void {
      changeStatus(incident, 'resolved', by)
      incident.resolvedAt = time()
      incident.assignments = []
      incident.acknowledgements = []
      log(incident, { type: 'resolve_log_entry', agent: by, summary })
    },

    /** Saves what was done to an incident, and tells it. */
    finish(happening: Happening): Incident {
      happening.incident.updatedAt = time()
      save()
      onEvent(happening)
      return happening.incident
    },
  }
}

export type IncidentStore = ReturnType<typeof createIncidentStore>
