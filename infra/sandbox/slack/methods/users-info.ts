import { z } from 'zod'
import { memberWithId } from '../members.ts'
import { SlackError } from '../slack-error.ts'
import type { Method } from './method.ts'
import { userShape } from './user-shape.ts'

const argsSchema = z.object({ user: z.string() })

export const usersInfo: Method = (_workspace, args) => {
  const member = memberWithId(argsSchema.parse(args).user)
  if (!member) throw new SlackError('user_not_found')
  return { user: userShape(member) }
}
