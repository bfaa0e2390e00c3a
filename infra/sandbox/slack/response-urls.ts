import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { readContent } from './content.ts'
import type { Message, Messages } from './messages.ts'
import { rewritten } from './methods/chat-update.ts'
import { SlackError } from './slack-error.ts'
import { BOT, TEAM } from './workspace.ts'

/** Slack's documented limits of a response_url. */
const MOST_USES = 5
const LIFETIME_MS = 30 * 60 * 1000

/** The command or click that is answered. */
export type Origin = {
  readonly id: string
  readonly user: string
  readonly channel: string
  /** The ts of the message whose button was clicked. */
  readonly clicked?: string
}

const replySchema = z.object({
  text: z.string().optional(),
  blocks: z.unknown().optional(),
  response_type: z.enum(['ephemeral', 'in_channel']).default('ephemeral'),
  replace_original: z.boolean().default(false),
  delete_original: z.boolean().default(false),
  thread_ts: z.string().optional(),
})

/** Keeps an answer to a command or a click: private unless it says `in_channel`. */
export const keepAnswer = (messages: Messages, origin: Origin, body: unknown): Message | undefined => {
  const reply = replySchema.safeParse(body)
  if (!reply.success) throw new SlackError('invalid_payload')
  const { response_type, replace_original, delete_original, thread_ts, ...content } = reply.data
  const original = replace_original || delete_original ? originalOf(messages, origin) : undefined
  if (delete_original) {
    if (original) messages.remove(original)
    return undefined
  }
  if (original) return messages.replace(original, rewritten(original, content, messages.nextTs()))
  return messages.append({
    channel: origin.channel,
    user: BOT.user,
    answers: origin.id,
    ...(response_type === 'ephemeral' && { visibleTo: origin.user }),
    ...(thread_ts && { thread_ts }),
    ...readContent(content),
  })
}

/** Of a click: the message it was on. Of a command: its last private answer. */
const originalOf = (messages: Messages, { id, channel, clicked }: Origin): Message | undefined => {
  if (clicked === undefined)
    return messages.answering(id).findLast((message) => message.visibleTo !== undefined)
  const message = messages.find(channel, clicked)
  if (!message) throw new SlackError('message_not_found')
  return message
}

export const createResponseUrls = (messages: Messages, now: () => number) => {
  const open = new Map<string, { origin: Origin; uses: number; until: number }>()
  return {
    open(origin: Origin): string {
      const kind = origin.clicked === undefined ? 'commands' : 'actions'
      const path = `/${kind}/${TEAM.id}/${open.size + 1}/${randomBytes(12).toString('base64url')}`
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
