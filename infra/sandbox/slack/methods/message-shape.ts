import type { Message } from '../messages.ts'
import { BOT, TEAM } from '../workspace.ts'

/** A bot's message as Slack's answers show it. */
export const messageShape = ({ user, ts, text, blocks, thread_ts, edited }: Message) => ({
  type: 'message',
  user,
  bot_id: BOT.bot,
  app_id: BOT.app,
  team: TEAM.id,
  ts,
  text,
  ...(blocks && { blocks }),
  ...(thread_ts && { thread_ts }),
  ...(edited && { edited }),
})
