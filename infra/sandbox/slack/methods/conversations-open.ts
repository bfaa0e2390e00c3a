import { z } from 'zod'
import { SlackError } from '../slack-error.ts'
import { dmWith } from '../workspace.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({ users: z.string(), return_im: z.stringbool().or(z.boolean()).optional() })

/** Direct messages with one person; the sandbox has no group conversations. */
export const conversationsOpen: Method = (_workspace, args) => {
  const { users, return_im } = argsSchema.parse(args)
  const channel = dmWith(users)
  if (!channel) throw new SlackError(users.includes(',') ? 'invalid_user_combination' : 'user_not_found')
  if (!return_im) return { channel: { id: channel.id } }
  return { no_op: true, already_open: true, channel: { id: channel.id, is_im: true, user: users } }
}
