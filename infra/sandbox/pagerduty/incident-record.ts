import { z } from 'zod'

/** Who did something: a user, the integration of a service, or PagerDuty by itself on behalf of a service. */
const agentSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('user'), id: z.string() }),
  z.object({ kind: z.literal('integration'), id: z.string(), service: z.string() }),
  z.object({ kind: z.literal('service'), id: z.string() }),
])

const assignment = z.object({ at: z.string(), user: z.string() })

/** The acknowledgement of an integration is its service's. */
const acknowledgement = z.union([assignment, z.object({ at: z.string(), service: z.string() })])

const responder = z.object({
  user: z.string(),
  state: z.enum(['pending', 'joined', 'declined']),
  requester: z.string(),
  message: z.string(),
  requestedAt: z.string(),
  updatedAt: z.string(),
})

const responderRequest = z.object({
  requester: z.string(),
  message: z.string(),
  at: z.string(),
  users: z.array(z.string()),
})

const incidentSchema = z.object({
  id: z.string(),
  number: z.number(),
  key: z.string(),
  title: z.string(),
  service: z.string(),
  /** The escalation policy an incident was delegated to; null is its service's own. */
  policy: z.string().nullable().default(null),
  urgency: z.enum(['high', 'low']),
  priority: z.string().nullable(),
  status: z.enum(['triggered', 'acknowledged', 'resolved']),
  createdAt: z.string(),
  updatedAt: z.string(),
  resolvedAt: z.string().nullable(),
  reopenedAt: z.string().nullable().default(null),
  statusChangedAt: z.string(),
  statusChangedBy: agentSchema,
  level: z.number(),
  assignedVia: z.enum(['escalation_policy', 'direct_assignment']),
  assignments: z.array(assignment),
  acknowledgements: z.array(acknowledgement),
  /** The incident this one was merged into. */
  mergedInto: z.string().nullable().default(null),
  responders: z.array(responder).default([]),
  responderRequests: z.array(responderRequest).default([]),
})

/**
 * Types of PagerDuty's published schema, but for the last five. Of these the priority's and the request's are known
 * from what it answers; the reply's, the merge's and the reopening's are published nowhere, and named alike.
 */
const logEntryType = z.enum([
  'trigger_log_entry',
  'assign_log_entry',
  'acknowledge_log_entry',
  'unacknowledge_log_entry',
  'escalate_log_entry',
  'delegate_log_entry',
  'annotate_log_entry',
  'urgency_change_log_entry',
  'resolve_log_entry',
  'priority_change_log_entry',
  'responder_request_log_entry',
  'responder_reply_log_entry',
  'merge_log_entry',
  'reopen_log_entry',
])

const logEntrySchema = z.object({
  id: z.string(),
  incident: z.string(),
  type: logEntryType,
  at: z.string(),
  agent: agentSchema,
  summary: z.string(),
  assignees: z.array(z.string()).optional(),
  note: z.string().optional(),
})

/** Somebody's shift began: by the schedule itself, or by an override that somebody put over it. */
const shift = z.object({
  service: z.string(),
  level: z.number(),
  user: z.string(),
  at: z.string(),
  override: z.boolean(),
})

export const stateSchema = z.object({
  nextNumber: z.number(),
  incidents: z.array(incidentSchema),
  logEntries: z.array(logEntrySchema),
  shifts: z.array(shift).default([]),
})

export type Agent = z.infer<typeof agentSchema>
export type Incident = z.infer<typeof incidentSchema>
export type Responder = z.infer<typeof responder>
export type Shift = z.infer<typeof shift>
export type LogEntry = z.infer<typeof logEntrySchema>
