import { z } from 'zod'
import { readContent, truncationWarning } from '../content.ts'
import { SlackError } from '../slack-error.ts'
import { BOT, channelAddressed } from '../workspace.ts'
import { messageShape } from './message-shape.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({ channel: z.string(), thread_ts: z.string().optional() })

export const chatPostMessage: Method = ({ messages, postLimit }, args) => {
  const { channel: address, thread_ts } = argsSchema.parse(args)
  const channel = channelAddressed(address)
  if (!channel) throw new SlackError('channel_not_found')
  const wait = postLimit(channel.id)
  if (wait > 0) throw new SlackError('ratelimited', { retryAfterSeconds: wait })
  const content = readContent(args)
  // A well-formed thread_ts that names no message is accepted, as Slack does: nobody will see the reply.
  if (thread_ts !== undefined && !/^\d+\.\d{6}$/.test(thread_ts)) {
    throw new SlackError('invalid_thread_ts', { faults: [`${thread_ts} is not a valid thread_ts`] })
  }
  const parent = thread_ts && (messages.find(channel.id, thread_ts)?.thread_ts ?? thread_ts)
  const message = messages.append({
    channel: channel.id,
    user: BOT.user,
    ...content,
    ...(parent && { thread_ts: parent }),
  })
  return {
    channel: channel.id,
    ts: message.ts,
    message: messageShape(message),
    ...truncationWarning(args),
  }
}
