import { webApi } from '@slack/bolt'
import { z } from 'zod'
import { Fault } from '../../domain/errors.ts'
import type { SlackGroups } from '../../ports.ts'

/** Whoever asks waits three seconds for all of the answer. */
const withinMs = 1_500
/** Far more than are ever added at once. */
const mostUsers = 10_000

const answerShape = z.object({ users: z.array(z.string().max(64)).max(mostUsers) })
const platformError = z.object({ data: z.object({ error: z.string() }) })

const mends: Readonly<Record<string, string>> = {
  missing_scope: 'give the app the scope usergroups:read, and install it again',
  no_such_subteam: 'mention a group of this workspace',
  plan_upgrade_required: 'name the people one by one: this workspace’s plan has no groups',
}

/** Slack’s groups, by usergroups.users.list (https://docs.slack.dev/reference/methods/usergroups.users.list). One try. */
export const createSlackGroups = (apiUrl: string, token: string): SlackGroups => {
  const client = new webApi.WebClient(token, {
    slackApiUrl: apiUrl,
    timeout: withinMs,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logLevel: webApi.LogLevel.ERROR,
  })
  return {
    usersOf: async (group) => {
      const answer = await client.usergroups.users.list({ usergroup: group }).catch((cause: unknown) => {
        const code = platformError.safeParse(cause).data?.data.error
        const mend = code === undefined ? undefined : mends[code]
        throw new Fault('slack/failed', `Slack did not tell who is in ${group}: ${code ?? 'no answer'}`, {
          cause,
          ...(mend === undefined ? {} : { mend }),
        })
      })
      const read = answerShape.safeParse(answer)
      if (!read.success)
        throw new Fault('slack/failed', `Slack’s answer about the group ${group} has another shape`)
      return read.data.users
    },
  }
}
