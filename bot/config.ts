import { z } from 'zod'
import { address, checkMode, commonShape, readConfig, secrets } from '#access/runtime/config.ts'

const shape = z.object({
  ...commonShape,
  PAGEPASS_DIRECTORY: z.string(),
  PAGEPASS_BOT_LISTEN: address,
  SLACK_BOT_TOKEN: z.string().startsWith('xoxb-', 'a bot token begins with xoxb-'),
  SLACK_SIGNING_SECRET: secrets,
  SLACK_API_URL: z.url().default('https://slack.com/api/'),
  SLACK_COMMAND: z
    .string()
    .regex(/^\/[a-z0-9_-]{1,31}$/)
    .default('/access'),
  PAGERDUTY_TOKEN: z.string(),
  PAGERDUTY_WEBHOOK_SECRET: secrets,
  PAGERDUTY_API_URL: z.url().default('https://api.pagerduty.com'),
})

export const readBotConfig = (environment: NodeJS.ProcessEnv) => {
  const config = readConfig(shape, environment)
  checkMode(
    config,
    { PAGEPASS_BOT_LISTEN: config.PAGEPASS_BOT_LISTEN },
    {
      SLACK_API_URL: { url: config.SLACK_API_URL, hosts: ['slack.com'] },
      PAGERDUTY_API_URL: {
        url: config.PAGERDUTY_API_URL,
        hosts: ['api.pagerduty.com', 'api.eu.pagerduty.com'],
      },
    },
  )
  return config
}
export type BotConfig = ReturnType<typeof readBotConfig>
