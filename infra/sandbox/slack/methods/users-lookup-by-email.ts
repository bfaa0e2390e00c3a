import { z } from 'zod'
import { members } from '../members.ts'
import { SlackError } from '../slack-error.ts'
import type { Method } from './method.ts'
import { userShape } from './user-shape.ts'

const argsSchema = z.object({ email: z.string() })
const hidden: readonly unknown[] = ['deactivated', 'bot', 'connected', 'stranger']

/** Finds members and guests, not who is deactivated, a bot or of another workspace. */
export const usersLookupByEmail: Method = (_workspace, args) => {
  const email = argsSchema.parse(args).email.toLowerCase()
  const member = members.find((one) => one.email === email && !hidden.includes(one.standing))
  if (!member) throw new SlackError('users_not_found')
  return { user: userShape(member) }
}
