import { z } from 'zod'
import type { LiveGrants } from '#access/ports.ts'
import type { Tell } from '../outbox/tell.ts'

const shape = z.object({ grant: z.string(), version: z.int() })

/** Reminds the holder of a pass that is about to end, unless it has another end by now. */
export const remind = async (live: LiveGrants, tell: Tell, data: unknown): Promise<void> => {
  const { grant: id, version } = shape.parse(data)
  await live.catchUp()
  const held = live.get(id)
  if (held?.grant.version !== version || !(await live.genuine(held))) return
  await tell.reminder(held.grant)
}
