import { z } from 'zod'
import type { Place } from '#access/adapters/queues.ts'
import { readJob } from '#access/adapters/read-job.ts'

/** In characters. https://docs.slack.dev/reference/methods/chat.postMessage: a longer one is cut without a word. */
export const longestText = 40_000
const mostBlocks = 50

const place = z.union([
  z.strictObject({ channel: z.string().regex(/^(?:#[\p{Ll}\p{Lo}\p{N}_-]{1,80}|[CDG][A-Z0-9]{2,30})$/u) }),
  z.strictObject({
    team: z.string().regex(/^[TE][A-Z0-9]{2,30}$/),
    user: z.string().regex(/^[UW][A-Z0-9]{2,30}$/),
  }),
])
const cardKey = z.string().regex(/^[\x21-\x7e]{1,200}$/)

const shape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('notice'),
    to: place,
    text: z.string().min(1).max(longestText),
    blocks: z
      .array(z.looseObject({ type: z.string() }))
      .max(mostBlocks)
      .optional(),
    thread: cardKey.optional(),
  }),
  z.strictObject({
    kind: z.literal('card'),
    to: place,
    card: cardKey,
    thread: cardKey.optional(),
    ifPosted: z.literal(true).optional(),
  }),
])
export type Message = z.output<typeof shape>

/** A message from its job. What is not one was not put there by us, and is not tried again. */
export const readMessage = (data: unknown): Message => readJob(shape, data, 'message')

/** A name for a place, by which its cards are known. */
export const nameOf = (to: Place): string => ('channel' in to ? to.channel : `${to.team}/${to.user}`)
