import { z } from 'zod'
import { readContent } from '../content.ts'
import { memberWithId, takesDirectMessages } from '../members.ts'
import { SlackError } from '../slack-error.ts'
import { BOT, channelAddressed } from '../workspace.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({ channel: z.string(), user: z.string(), thread_ts: z.string().optional() })

export const chatPostEphemeral: Method = ({ messages }, args) => {
  const { channel: address, user, thread_ts } = argsSchema.parse(args)
  const channel = channelAddressed(address)
  if (!channel) throw new SlackError('channel_not_found')
  const member = memberWithId(user)
  if (!member || !takesDirectMessages(member)) throw new SlackError('user_not_in_channel')
  const message = messages.append({
    channel: channel.id,
    user: BOT.user,
    visibleTo: user,
    ...readContent(args),
    ...(thread_ts && { thread_ts }),
  })
  return { message_ts: message.ts }
}
