import { z } from 'zod'
import { memberWithId } from '../members.ts'
import { SlackError } from '../slack-error.ts'
import { BOT_SCOPES, dmWith } from '../workspace.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({ users: z.string(), return_im: z.stringbool().or(z.boolean()).optional() })

const refusals = { deactivated: 'user_disabled', bot: 'cannot_dm_bot', stranger: 'user_not_visible' } as const

/** Direct messages with one person: for several the bot would need the scope mpim:write. */
export const conversationsOpen: Method = (_workspace, args) => {
  const { users, return_im } = argsSchema.parse(args)
  if (users.includes(',')) {
    const provided = BOT_SCOPES.join(',')
    throw new SlackError('missing_scope', { more: { needed: 'mpim:write', provided } })
  }
  const standing = memberWithId(users)?.standing
  if (standing === 'deactivated' || standing === 'bot' || standing === 'stranger')
    throw new SlackError(refusals[standing])
  const channel = dmWith(users)
  if (!channel) throw new SlackError('user_not_found')
  if (!return_im) return { channel: { id: channel.id } }
  return { no_op: true, already_open: true, channel: { id: channel.id, is_im: true, user: users } }
}
