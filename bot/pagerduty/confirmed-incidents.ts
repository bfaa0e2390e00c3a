import { Fault } from '#access/domain/errors.ts'
import type { Incidents } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'

/** Incidents that PagerDuty confirmed under the id or number they were asked by. One that it does not know is told to the log. */
export const confirmedIncidents = (incidents: Incidents, log: Logger): Incidents => ({
  read: async (id) => {
    const incident = await incidents.read(id)
    if (incident === undefined)
      log.warn({ incident: id, reason: 'unknown' }, 'PagerDuty has no such incident')
    else if (incident.id !== id && String(incident.number) !== id)
      throw new Fault('pagerduty/failed', `PagerDuty answered with ${incident.id} when asked for ${id}`)
    return incident
  },
})
