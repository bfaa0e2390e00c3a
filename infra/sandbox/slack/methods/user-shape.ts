import { everyone, type Person } from '../../people.ts'
import { TEAM } from '../workspace.ts'

export const userWithId = (id: string): Person | undefined =>
  everyone.find((person) => person.slack.user === id)

/** A person as users.info shows them to an app with users:read and users:read.email. */
export const userShape = ({ name, fullName, email, slack }: Person) => ({
  id: slack.user,
  team_id: slack.team,
  name,
  real_name: fullName,
  deleted: false,
  tz: 'Etc/UTC',
  tz_offset: 0,
  profile: {
    real_name: fullName,
    real_name_normalized: fullName,
    display_name: name,
    display_name_normalized: name,
    email,
    team: TEAM.id,
  },
  is_admin: false,
  is_owner: false,
  is_primary_owner: false,
  is_restricted: false,
  is_ultra_restricted: false,
  is_bot: false,
  is_app_user: false,
  is_email_confirmed: true,
  updated: 1_700_000_000,
})
