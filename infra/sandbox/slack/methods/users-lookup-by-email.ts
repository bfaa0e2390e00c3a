import { z } from 'zod'
import { everyone } from '../../people.ts'
import { SlackError } from '../slack-error.ts'
import type { Method } from './method.ts'
import { userShape } from './user-shape.ts'

const argsSchema = z.object({ email: z.string() })

export const usersLookupByEmail: Method = (_workspace, args) => {
  const email = argsSchema.parse(args).email.toLowerCase()
  const person = everyone.find((one) => one.email === email)
  if (!person) throw new SlackError('users_not_found')
  return { user: userShape(person) }
}
