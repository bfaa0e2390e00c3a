import { z } from 'zod'
import { SlackError } from '../slack-error.ts'
import type { Method } from './method.ts'
import { userShape, userWithId } from './user-shape.ts'

const argsSchema = z.object({ user: z.string() })

export const usersInfo: Method = (_workspace, args) => {
  const person = userWithId(argsSchema.parse(args).user)
  if (!person) throw new SlackError('user_not_found')
  return { user: userShape(person) }
}
