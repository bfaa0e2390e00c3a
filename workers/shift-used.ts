import type { Queue } from 'bullmq'
import type { IncidentJob } from '#access/adapters/queues.ts'
import type { Report } from '#access/domain/report.ts'
import { requestsOf } from '#access/domain/usage.ts'
import type { LiveGrants } from '#access/ports.ts'

/**
 * Has an incident followed once a request has gone through by a pass that came with a shift: whoever went off call then has
 * theirs no longer than its grace. Reports come again and again; the first of them is enough.
 */
export const createShiftUsed =
  (live: Pick<LiveGrants, 'get' | 'catchUp'>, incidents: Pick<Queue<IncidentJob>, 'add'>) =>
  async ({ grant: id, usage }: Extract<Report, { kind: 'usage' }>): Promise<void> => {
    if (live.get(id) === undefined) await live.catchUp()
    const grant = live.get(id)?.grant
    if (grant?.state !== 'active' || grant.why.kind !== 'page') return
    const { relieves = [], incident } = grant.why
    if (relieves.length === 0 || requestsOf(usage) === 0) return
    await incidents.add('used', { incident: incident.id, used: id }, { jobId: `used-${id}-${incident.id}` })
  }
