import { z } from 'zod'
import { readContent } from '../content.ts'
import { SlackError } from '../slack-error.ts'
import { BOT, channelById } from '../workspace.ts'
import { messageShape } from './message-shape.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({ channel: z.string(), ts: z.string() })

/** Unlike chat.postMessage it takes a channel's id only. Blocks that aren't given stay; `[]` removes them. */
export const chatUpdate: Method = ({ messages }, args) => {
  const { channel, ts } = argsSchema.parse(args)
  if (!channelById(channel)) throw new SlackError('channel_not_found')
  const old = messages.find(channel, ts)
  if (!old || old.visibleTo !== undefined) throw new SlackError('message_not_found')
  if (old.user !== BOT.user) throw new SlackError('cant_update_message')
  const changed = { ...old, ...readContent(args), edited: { user: BOT.user, ts: messages.nextTs() } }
  messages.replace(old, changed)
  return { channel, ts, text: changed.text, message: messageShape(changed) }
}
