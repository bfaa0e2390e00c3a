import type { Member } from './members.ts'
import { BOT, type Channel, TEAM } from './workspace.ts'

export { slackSignature } from './signed-request.ts'

export type SlashCommand = {
  readonly person: Member
  readonly command: string
  readonly text: string
  readonly channel: Channel
  readonly responseUrl: string
  readonly triggerId: string
}

/** The old verification token, which apps no longer look at. */
export const VERIFICATION_TOKEN = 'deprecated-verification-token'

/** The fields of a real delivery: a form over HTTP, an object in Socket Mode. */
export const commandFields = ({ person, command, text, channel, responseUrl, triggerId }: SlashCommand) => ({
  token: VERIFICATION_TOKEN,
  team_id: TEAM.id,
  team_domain: TEAM.domain,
  channel_id: channel.id,
  channel_name: channel.name,
  user_id: person.slack.user,
  user_name: person.name,
  command,
  text,
  api_app_id: BOT.app,
  is_enterprise_install: 'false',
  response_url: responseUrl,
  trigger_id: triggerId,
})
