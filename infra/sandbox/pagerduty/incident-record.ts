import { z } from 'zod'

/** Who did something: a user, or the integration of a service. */
const agentSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('user'), id: z.string() }),
  z.object({ kind: z.literal('integration'), id: z.string(), service: z.string() }),
])

const dated = z.object({ at: z.string(), user: z.string() })

const incidentSchema = z.object({
  id: z.string(),
  number: z.number(),
  key: z.string(),
  title: z.string(),
  service: z.string(),
  urgency: z.enum(['high', 'low']),
  priority: z.string().nullable(),
  status: z.enum(['triggered', 'acknowledged', 'resolved']),
  createdAt: z.string(),
  updatedAt: z.string(),
  resolvedAt: z.string().nullable(),
  statusChangedAt: z.string(),
  statusChangedBy: agentSchema,
  level: z.number(),
  assignedVia: z.enum(['escalation_policy', 'direct_assignment']),
  assignments: z.array(dated),
  acknowledgements: z.array(dated),
})

const logEntrySchema = z.object({
  id: z.string(),
  incident: z.string(),
  type: z.enum([
    'trigger_log_entry',
    'assign_log_entry',
    'acknowledge_log_entry',
    'escalate_log_entry',
    'annotate_log_entry',
    'resolve_log_entry',
  ]),
  at: z.string(),
  agent: agentSchema,
  summary: z.string(),
  assignees: z.array(z.string()).optional(),
  note: z.string().optional(),
})

export const stateSchema = z.object({
  nextNumber: z.number(),
  incidents: z.array(incidentSchema),
  logEntries: z.array(logEntrySchema),
})

export type Agent = z.infer<typeof agentSchema>
export type Incident = z.infer<typeof incidentSchema>
export type LogEntry = z.infer<typeof logEntrySchema>
