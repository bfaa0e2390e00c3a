import { isOfAnotherTeam, type Member } from '../members.ts'

/**
 * Somebody as users.info shows them to an app with users:read and users:read.email. E-mail addresses of bots and
 * of other workspaces stay hidden; `is_stranger` is there only for people who share no channel with the app.
 * https://docs.slack.dev/reference/objects/user-object
 */
export const userShape = ({ name, fullName, email, slack, standing }: Member) => ({
  id: slack.user,
  team_id: slack.team,
  name,
  real_name: fullName,
  deleted: standing === 'deactivated',
  tz: 'Etc/UTC',
  tz_offset: 0,
  profile: {
    real_name: fullName,
    real_name_normalized: fullName,
    display_name: name,
    display_name_normalized: name,
    ...(standing !== 'bot' && !isOfAnotherTeam(standing) && { email }),
    ...(standing === 'bot' && { bot_id: 'B0OTHERBOT', api_app_id: 'A0OTHERAPP' }),
    team: slack.team,
  },
  is_admin: false,
  is_owner: false,
  is_primary_owner: false,
  is_restricted: standing === 'guest' || standing === 'single-channel guest',
  is_ultra_restricted: standing === 'single-channel guest',
  is_bot: standing === 'bot',
  is_app_user: false,
  ...(standing === 'stranger' && { is_stranger: true }),
  is_email_confirmed: true,
  updated: 1_700_000_000,
})
