import { z } from 'zod'
import type { Args } from '../arguments.ts'
import { readContent } from '../content.ts'
import type { Message } from '../messages.ts'
import { SlackError } from '../slack-error.ts'
import { BOT, channelById } from '../workspace.ts'
import { messageShape } from './message-shape.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({ channel: z.string(), ts: z.string(), text: z.string().optional() })

/** Documented as characters, counted in bytes. Unlike chat.postMessage it refuses what is longer, and cuts nothing. */
const LONGEST_TEXT = 4000

/**
 * It takes a channel's id only. A text without blocks removes the blocks there were, and is shown as edited; with
 * blocks it is not. https://docs.slack.dev/reference/methods/chat.update
 */
export const chatUpdate: Method = ({ messages }, args) => {
  const { channel, ts, text = '' } = argsSchema.parse(args)
  if (!channelById(channel)) throw new SlackError('channel_not_found')
  const old = messages.find(channel, ts)
  if (!old || old.visibleTo !== undefined) throw new SlackError('message_not_found')
  if (old.user !== BOT.user) throw new SlackError('cant_update_message')
  if (Buffer.byteLength(text) > LONGEST_TEXT) throw new SlackError('msg_too_long')
  const changed = rewritten(old, args, messages.nextTs())
  messages.replace(old, changed)
  return { channel, ts, text: changed.text, message: messageShape(changed) }
}

/** A message with other content in its place, at its own ts. */
export const rewritten = (old: Message, args: Args, ts: string): Message => {
  const { blocks: _blocks, edited: _edited, ...rest } = old
  const content = readContent(args)
  const shown = content.blocks !== undefined && content.blocks.length > 0
  return { ...rest, ...content, ...(!shown && { edited: { user: BOT.user, ts } }) }
}
