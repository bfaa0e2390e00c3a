import type { Agent, Incident } from './incident-record.ts'
import type { IncidentStore } from './incident-store.ts'
import { invalidInput } from './pagerduty-error.ts'
import { agentName, incidentSummary } from './references.ts'

export const mergeOperations = ({ find, log, time, save, close, finish }: IncidentStore) => ({
  /**
   * The sources end as resolved, each with a webhook `incident.resolved` whose `resolve_reason` names the target, and
   * the target goes on as it was. It must be open; a source may be over already, and then just gets its reason.
   */
  merge(sourceIds: readonly string[], intoId: string, by: Agent): Incident {
    const target = find(intoId)
    const sources = sourceIds.map(find)
    if (target.status === 'resolved') throw invalidInput('Cannot merge into a resolved incident')
    if (sources.length === 0 || sources.includes(target)) throw invalidInput('Source incidents are invalid')
    for (const source of sources) {
      source.mergedInto = target.id
      if (source.status === 'resolved') continue
      close(source, by, `Resolved by ${agentName(by)}: merged into ${incidentSummary(target)}`)
      finish({ event: 'resolved', incident: source, agent: by })
    }
    const merged = sources.map(incidentSummary).join(', ')
    log(target, {
      type: 'merge_log_entry',
      agent: by,
      summary: `${agentName(by)} merged ${merged} into this`,
    })
    target.updatedAt = time()
    save()
    return target
  },
})
