import { z } from 'zod'

/**
 * What is live, attested once a second by one elected bot or worker: at this time, in this epoch, after the event
 * with this sequence number, so many grants are live and their statements have this set hash.
 */
export const headShape = z.strictObject({
  environment: z.string(),
  at: z.int(),
  epoch: z.string(),
  sequence: z.int().min(0),
  count: z.int().min(0),
  set: z.string(),
  /** The kids that were revoked, sorted: who has not heard of one of them does not know enough to agree. */
  revoked: z.array(z.string()).min(1).max(1_000).optional(),
})

export type Head = z.output<typeof headShape>
