import { z } from 'zod'
import { readJob } from '#access/adapters/read-job.ts'
import { grantShape } from '#access/domain/grant.ts'
import type { LiveGrants } from '#access/ports.ts'
import type { Tell } from '../outbox/tell.ts'

const shape = z.object({ grant: grantShape.shape.id, version: z.int() })

/** Reminds the holder of a pass that is about to end, unless it has another end by now. */
export const remind = async (live: LiveGrants, tell: Tell, data: unknown): Promise<void> => {
  const { grant: id, version } = readJob(shape, data, 'reminder')
  await live.catchUp()
  const held = live.get(id)
  if (held?.grant.version !== version || !(await live.genuine(held))) return
  await tell.reminder(held.grant)
}
