import { z } from 'zod'
import { checkMode, commonShape, readConfig } from '#access/runtime/config.ts'

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
    const [one, other] = ['PAGERDUTY_TOKEN', 'PAGERDUTY_FROM'] as const
    for (const [set, missing] of [
      [one, other],
      [other, one],
    ] as const) {
      if (config[set] !== undefined && config[missing] === undefined)
        context.addIssue({
          code: 'custom',
          path: [missing],
          input: '',
          message: `is needed beside ${set}, or neither`,
        })
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
