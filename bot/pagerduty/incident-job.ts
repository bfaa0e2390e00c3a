import { z } from 'zod'
import { readJob } from '#access/adapters/read-job.ts'

/** PagerDuty's ids of incidents. */
export const incidentId = /^[A-Za-z0-9]{1,64}$/

const shape = z.object({ incident: z.string().regex(incidentId) })

/** The incident that a job names. What is no such job was not put there by us, and is not tried again. */
export const readIncidentJob = (data: unknown): string =>
  readJob(shape, data, 'job that names an incident').incident
