import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { blocksSchema } from './block-kit.ts'
import { readContent } from './content.ts'
import type { Message, Messages } from './messages.ts'
import { SlackError } from './slack-error.ts'
import { BOT, TEAM } from './workspace.ts'

/** Slack's documented limits of a response_url. */
const MOST_USES = 5
const LIFETIME_MS = 30 * 60 * 1000

export type CommandOrigin = { readonly command: string; readonly user: string; readonly channel: string }

const replySchema = z.object({
  text: z.string().optional(),
  blocks: blocksSchema.optional(),
  response_type: z.enum(['ephemeral', 'in_channel']).default('ephemeral'),
  replace_original: z.boolean().default(false),
  delete_original: z.boolean().default(false),
  thread_ts: z.string().optional(),
})

/** Keeps an answer to a slash command: private unless it says `in_channel`. */
export const keepAnswer = (messages: Messages, origin: CommandOrigin, body: unknown): Message | undefined => {
  const reply = replySchema.safeParse(body)
  if (!reply.success) throw new SlackError('invalid_payload')
  const { response_type, replace_original, delete_original, thread_ts } = reply.data
  const previous = messages.answering(origin.command).findLast((message) => message.visibleTo !== undefined)
  if ((replace_original || delete_original) && previous) messages.remove(previous)
  if (delete_original) return undefined
  return messages.append({
    channel: origin.channel,
    user: BOT.user,
    command: origin.command,
    ...(response_type === 'ephemeral' && { visibleTo: origin.user }),
    ...(thread_ts && { thread_ts }),
    ...readContent(reply.data),
  })
}

export const createResponseUrls = (messages: Messages, now: () => number) => {
  const open = new Map<string, { origin: CommandOrigin; uses: number; until: number }>()
  return {
    open(origin: CommandOrigin): string {
      const path = `/commands/${TEAM.id}/${open.size + 1}/${randomBytes(12).toString('base64url')}`
      open.set(path, { origin, uses: 0, until: now() + LIFETIME_MS })
      return path
    },

    use(path: string, body: unknown): void {
      const entry = open.get(path)
      if (!entry || now() > entry.until) throw new SlackError('expired_url')
      if (entry.uses >= MOST_USES) throw new SlackError('used_url')
      entry.uses += 1
      keepAnswer(messages, entry.origin, body)
    },
  }
}

export type ResponseUrls = ReturnType<typeof createResponseUrls>
