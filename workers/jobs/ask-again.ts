import { z } from 'zod'
import { readJob } from '#access/adapters/read-job.ts'
import { grantShape } from '#access/domain/grant.ts'
import type { LiveGrants } from '#access/ports.ts'
import type { Tell } from '../outbox/tell.ts'

const shape = z.object({ grant: grantShape.shape.id, what: z.enum(['ask again', 'ask others', 'ask last']) })

/** Brings up what nobody has decided on, unless somebody has by now. */
export const askAgain = async (live: LiveGrants, tell: Tell, data: unknown): Promise<void> => {
  const { grant: id, what } = readJob(shape, data, 'question')
  await live.catchUp()
  const held = live.get(id)
  if (held?.grant.state !== 'pending' || !(await live.genuine(held))) return
  await tell.askedAgain(held.grant, what)
}
