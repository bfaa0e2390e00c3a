import { serviceWithId } from '../account.ts'
import type { LogEntry } from '../incident-record.ts'
import type { Incidents } from '../incidents.ts'
import { notFound } from '../pagerduty-error.ts'
import { logEntryShape } from '../shapes.ts'
import { pageOf } from './page.ts'
import type { Route } from './route.ts'

/** Newest first, as PagerDuty lists them. */
export const listLogEntries: Route = {
  method: 'GET',
  path: /^\/incidents\/(\w+)\/log_entries$/,
  answer: ({ incidents, id, query }) => {
    const entries = incidents.logEntriesOf(incidents.find(id).id)
    return pageOf(query, 'log_entries', entries.toReversed(), (entry) => shape(incidents, entry))
  },
}

export const getLogEntry: Route = {
  method: 'GET',
  path: /^\/log_entries\/(\w+)$/,
  answer: ({ incidents, id }) => ({ log_entry: shape(incidents, incidents.findLogEntry(id)) }),
}

const shape = (incidents: Incidents, entry: LogEntry) => {
  const incident = incidents.find(entry.incident)
  const service = serviceWithId(incident.service)
  if (!service) throw notFound()
  return logEntryShape(entry, incident, service)
}
