import { z } from 'zod'
import { address, checkMode, commonShape, readConfig, secrets } from './config.ts'

/** What a bot reads. Here, and not with the bot, so that `pagepass doctor` judges by the same shape. */
export const botShape = z.object({
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
  /** Where operators are told what they have to mend: a channel's name or id. */
  SLACK_ALARM_CHANNEL: z
    .string()
    .regex(/^(?:#[\p{Ll}\p{Lo}\p{N}_-]{1,80}|[CG][A-Z0-9]{2,30})$/u, 'write a channel as #name, or its id')
    .optional(),
  PAGERDUTY_TOKEN: z.string(),
  PAGERDUTY_WEBHOOK_SECRET: secrets,
  PAGERDUTY_API_URL: z.url().default('https://api.pagerduty.com'),
})
export type BotConfig = z.output<typeof botShape>

export const readBotConfig = (environment: NodeJS.ProcessEnv): BotConfig => {
  const config = readConfig(botShape, environment)
  checkBotMode(config)
  return config
}

/**
 * Some of a bot's variables, whatever is wrong with the others: `readBotPart(botShape.pick({ REDIS_URL: true }), …)`.
 * What the mode forbids a bot is refused here too, so that no secret goes where a bot would not send it.
 */
export const readBotPart = <T extends z.ZodType<Partial<BotConfig>>>(
  shape: T,
  environment: NodeJS.ProcessEnv,
): z.output<T> => {
  const { PAGEPASS_MODE: mode } = readConfig(botShape.pick({ PAGEPASS_MODE: true }), environment)
  const part = readConfig(shape, environment)
  checkBotMode({ PAGEPASS_MODE: mode, ...unobjectionable[mode], ...part })
  return part
}

type ModeMatters = Pick<
  BotConfig,
  | 'PAGEPASS_MODE'
  | 'PAGEPASS_RULES_KEYS'
  | 'PAGEPASS_ADMIN_LISTEN'
  | 'PAGEPASS_BOT_LISTEN'
  | 'REDIS_URL'
  | 'REDIS_CA'
  | 'REDIS_SENTINEL_PASSWORD'
  | 'SLACK_API_URL'
  | 'PAGERDUTY_API_URL'
>

const checkBotMode = (config: ModeMatters): void => {
  checkMode(
    { ...unread, ...config },
    { PAGEPASS_BOT_LISTEN: config.PAGEPASS_BOT_LISTEN },
    {
      SLACK_API_URL: { url: config.SLACK_API_URL, hosts: ['slack.com'] },
      PAGERDUTY_API_URL: {
        url: config.PAGERDUTY_API_URL,
        hosts: ['api.pagerduty.com', 'api.eu.pagerduty.com'],
      },
    },
  )
}

/** No rule of a mode looks at these. */
const unread = {
  PAGEPASS_RULES: '',
  PAGEPASS_KEYS: '',
  PAGEPASS_DATA_DIR: '',
  PAGEPASS_INSTANCE: '',
  PAGEPASS_LOG_LEVEL: 'info',
} as const

const loopback = { host: '127.0.0.1', port: 0 }
const local = {
  PAGEPASS_ADMIN_LISTEN: loopback,
  PAGEPASS_BOT_LISTEN: loopback,
  REDIS_URL: 'rediss://:password@127.0.0.1',
  PAGEPASS_RULES_KEYS: '/',
}
/** Stands for the variables that are not asked for: what no rule of the mode objects to. */
const unobjectionable = {
  sandbox: { ...local, SLACK_API_URL: 'http://127.0.0.1/', PAGERDUTY_API_URL: 'http://127.0.0.1/' },
  production: {
    ...local,
    SLACK_API_URL: 'https://slack.com/api/',
    PAGERDUTY_API_URL: 'https://api.pagerduty.com',
  },
} as const
