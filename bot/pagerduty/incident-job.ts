import { UnrecoverableError } from 'bullmq'
import { z } from 'zod'

/** PagerDuty's ids of incidents. */
export const incidentId = /^[A-Za-z0-9]{1,64}$/

const shape = z.object({ incident: z.string().regex(incidentId) })

/** The incident that a job names. What is no such job was not put there by us, and is not tried again. */
export const readIncidentJob = (data: unknown): string => {
  const parsed = shape.safeParse(data)
  if (parsed.success) return parsed.data.incident
  throw new UnrecoverableError(`this names no incident: ${z.prettifyError(parsed.error)}`)
}
