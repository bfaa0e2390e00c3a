import { webApi } from '@slack/bolt'
import { z } from 'zod'
import { Fault } from '../../domain/errors.ts'

/** What a bot needs to be allowed, by Slack's names (https://docs.slack.dev/reference/scopes). */
export const neededScopes = ['chat:write', 'commands', 'im:write', 'usergroups:read'] as const

export type CheckedToken = {
  readonly team: string
  readonly teamId: string
  readonly user: string
  readonly userId: string
  /** What the token may do; undefined when Slack did not say. */
  readonly scopes: readonly string[] | undefined
}

const answerShape = z.object({
  team: z.string(),
  team_id: z.string(),
  user: z.string(),
  user_id: z.string(),
  response_metadata: z.object({ scopes: z.array(z.string()).optional() }).optional(),
})

const newTokenMend =
  'copy the Bot User OAuth Token of the app (OAuth & Permissions) into SLACK_BOT_TOKEN, or install the app again'
const mends: Readonly<Record<string, string>> = {
  invalid_auth: newTokenMend,
  not_authed: newTokenMend,
  token_revoked: newTokenMend,
  token_expired: newTokenMend,
  account_inactive: newTokenMend,
  not_allowed_token_type: newTokenMend,
}

/**
 * Asks Slack whose token this is and what it may do: auth.test, with the header `x-oauth-scopes`
 * (https://docs.slack.dev/reference/methods/auth.test). One try. Rejects with a `slack/failed` fault.
 */
export const checkToken = async (apiUrl: string, token: string, withinMs: number): Promise<CheckedToken> => {
  const client = new webApi.WebClient(token, {
    slackApiUrl: apiUrl,
    timeout: withinMs,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logger: silent,
  })
  const answer = await client.auth.test().catch((error: unknown) => {
    throw faultOf(error, withinMs)
  })
  const read = answerShape.safeParse(answer)
  if (!read.success) throw new Fault('slack/failed', 'Slack’s answer to auth.test has another shape')
  const { team, team_id: teamId, user, user_id: userId, response_metadata: more } = read.data
  return { team, teamId, user, userId, scopes: more?.scopes }
}

const platformError = z.object({ data: z.object({ error: z.string() }) })
const rateLimited = z.object({ code: z.literal('slack_webapi_rate_limited_error'), retryAfter: z.number() })

const faultOf = (error: unknown, withinMs: number): Fault => {
  const limited = rateLimited.safeParse(error).data
  if (limited !== undefined)
    return new Fault('slack/failed', 'Slack has had too many calls of this app', {
      mend: `try again in ${limited.retryAfter} s`,
      cause: error,
    })
  const code = platformError.safeParse(error).data?.data.error
  if (code === undefined) {
    const root = rootOf(error)
    const told =
      root instanceof Error && root.name === 'TimeoutError'
        ? `Slack did not answer within ${withinMs / 1_000} s`
        : `Slack did not answer: ${root instanceof Error ? root.message : root}`
    return new Fault('slack/failed', told, {
      mend: 'see whether this machine reaches slack.com, and whether Slack is well: https://slack-status.com',
      cause: error,
    })
  }
  const mend = mends[code]
  return new Fault('slack/failed', `Slack refused the token: ${code}`, {
    ...(mend === undefined ? {} : { mend }),
    cause: error,
  })
}

/** The client and fetch wrap what happened in words that say less. */
const rootOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error

/** What went wrong is in the fault; the client would write it to the terminal as well. */
const silent: webApi.Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => webApi.LogLevel.ERROR,
  setName: () => {},
}
