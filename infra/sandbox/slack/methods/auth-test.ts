import { BOT, TEAM } from '../workspace.ts'
import type { Method } from './method.ts'

export const authTest: Method = () => ({
  url: `https://${TEAM.domain}.slack.com/`,
  team: TEAM.name,
  user: BOT.name,
  team_id: TEAM.id,
  user_id: BOT.user,
  bot_id: BOT.bot,
  is_enterprise_install: false,
})
