import { z } from 'zod'
import { checkMode, commonShape, readConfig } from '#access/runtime/config.ts'

const shape = z.object({
  ...commonShape,
  SLACK_BOT_TOKEN: z.string().startsWith('xoxb-', 'a bot token begins with xoxb-'),
  SLACK_API_URL: z.url().default('https://slack.com/api/'),
})

export const readWorkersConfig = (environment: NodeJS.ProcessEnv) => {
  const config = readConfig(shape, environment)
  checkMode(config, {}, { SLACK_API_URL: { url: config.SLACK_API_URL, hosts: ['slack.com'] } })
  return config
}
export type WorkersConfig = ReturnType<typeof readWorkersConfig>
