import { z } from 'zod'
import { checkMode, commonShape, readConfig } from '#access/runtime/config.ts'

/** Notes need both. */
const pairs = [
  ['PAGERDUTY_TOKEN', 'PAGERDUTY_FROM'],
  ['PAGERDUTY_FROM', 'PAGERDUTY_TOKEN'],
] as const

const shape = z
  .object({
    ...commonShape,
    PAGEPASS_DIRECTORY: z.string(),
    SLACK_BOT_TOKEN: z.string().startsWith('xoxb-', 'a bot token begins with xoxb-'),
    SLACK_API_URL: z.url().default('https://slack.com/api/'),
    PAGERDUTY_TOKEN: z.string().optional(),
    PAGERDUTY_FROM: z.email().optional(),
    PAGERDUTY_API_URL: z.url().default('https://api.pagerduty.com'),
  })
  .superRefine((config, context) => {
    for (const [one, other] of pairs) {
      if (config[one] !== undefined && config[other] === undefined)
        context.addIssue({ code: 'custom', path: [one], message: `is of no use without ${other}` })
    }
  })

export const readWorkersConfig = (environment: NodeJS.ProcessEnv) => {
  const config = readConfig(shape, environment)
  checkMode(
    config,
    {},
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
export type WorkersConfig = ReturnType<typeof readWorkersConfig>
