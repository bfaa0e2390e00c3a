import { z } from 'zod'
import { SlackError } from '../slack-error.ts'
import { usergroups } from '../usergroups.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({
  usergroup: z.string(),
  include_disabled: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
})

/** https://docs.slack.dev/reference/methods/usergroups.users.list */
export const usergroupsUsersList: Method = (_workspace, args) => {
  const { usergroup, include_disabled: withDisabled } = argsSchema.parse(args)
  const found = usergroups.find(({ id }) => id === usergroup)
  if (found === undefined || (found.disabled && String(withDisabled) !== 'true'))
    throw new SlackError('no_such_subteam')
  return { users: found.users }
}
