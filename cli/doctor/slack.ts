import { checkToken, neededScopes } from '#access/adapters/slack/check-token.ts'
import { counted } from '../print.ts'
import { type Examined, type Finding, fail, ok, warn } from './examine.ts'

/** A little less than the check has, so that the client's own words come first. */
const withinMs = 2_800

/** Whose token it is, and whether it may do what a bot does. */
export const lookAtSlack = async (apiUrl: string, token: string): Promise<Examined<undefined>> => {
  const { team, teamId, user, userId, scopes } = await checkToken(apiUrl, token, withinMs)
  return {
    findings: [ok(`${team} (${teamId}) as ${user} (${userId})`), ...lackOf(scopes)],
    value: undefined,
  }
}

const lackOf = (scopes: readonly string[] | undefined): Finding[] => {
  if (scopes === undefined) return [warn('Slack did not say what the token may do')]
  const missing = neededScopes.filter((scope) => !scopes.includes(scope))
  if (missing.length === 0) return []
  return [
    fail(
      `the token lacks ${counted(missing.length, 'scope')}: ${missing.join(', ')}`,
      `add ${missing.join(', ')} to the app (OAuth & Permissions, Bot Token Scopes), and install it again`,
    ),
  ]
}
