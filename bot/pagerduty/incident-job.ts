import { z } from 'zod'
import type { IncidentJob } from '#access/adapters/queues.ts'
import { readJob } from '#access/adapters/read-job.ts'
import { grantShape } from '#access/domain/grant.ts'

/** PagerDuty's ids of incidents. */
export const incidentId = /^[A-Za-z0-9]{1,64}$/

const shape = z.object({ incident: z.string().regex(incidentId), used: grantShape.shape.id.optional() })

/** The incident that a job names. What is no such job was not put there by us, and is not tried again. */
export const readIncidentJob = (data: unknown): IncidentJob => {
  const { incident, used } = readJob(shape, data, 'job that names an incident')
  return used === undefined ? { incident } : { incident, used }
}
