import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { Fault } from '#access/domain/errors.ts'
import { botShape } from '#access/runtime/bot-config.ts'
import { address, checkMode, commonShape, isLoopback, readConfig } from '#access/runtime/config.ts'
import { authzShape, checkAuthz } from './authz/config.ts'
import { egressSettings, egressShape } from './egress/config.ts'
import { slackAppUrl } from './refusals/slack-app-url.ts'
import type { PairFiles } from './tls/pair.ts'

const shape = z.object({
  ...commonShape,
  PAGEPASS_PROXY_LISTEN: address,
  /** How many processes serve. As many as the machine lets run at once, unless it says otherwise. */
  PAGEPASS_PROXY_PROCESSES: z
    .string()
    .regex(/^([1-9]|[1-9]\d|1[01]\d|12[0-8])$/, 'use a number from 1 to 128')
    .transform(Number)
    .optional()
    .transform((count) => count ?? availableParallelism()),
  PAGEPASS_TLS_CERT: z.string().optional(),
  PAGEPASS_TLS_KEY: z.string().optional(),
  /** Where the bot is at home in Slack: people who are refused get a link. */
  PAGEPASS_SLACK_APP_URL: slackAppUrl.optional(),
  /** The bot's command: people who are refused get it to paste. */
  SLACK_COMMAND: botShape.shape.SLACK_COMMAND,
  ...authzShape,
  ...egressShape,
})

export const readProxyConfig = (environment: NodeJS.ProcessEnv) => {
  const config = readConfig(shape, environment)
  const { PAGEPASS_PROXY_LISTEN, PAGEPASS_AUTHZ_LISTEN, PAGEPASS_EGRESS_LISTEN } = config
  checkMode(config, {
    PAGEPASS_PROXY_LISTEN,
    ...(PAGEPASS_AUTHZ_LISTEN === undefined ? {} : { PAGEPASS_AUTHZ_LISTEN }),
    ...(PAGEPASS_EGRESS_LISTEN === undefined ? {} : { PAGEPASS_EGRESS_LISTEN }),
  })
  checkAuthz(config)
  const tls = pairFilesOf(config)
  return {
    ...config,
    /** Where the listener's certificate and key lie; undefined for plain HTTP. */
    tls,
    /** Where workloads call the outside through; undefined for nowhere. */
    egress: egressSettings(config),
    /** Whether what is sent here may cross a network as it is. */
    isOpen:
      config.PAGEPASS_MODE === 'production' &&
      tls === undefined &&
      !isLoopback(config.PAGEPASS_PROXY_LISTEN.host),
  }
}
export type ProxyConfig = ReturnType<typeof readProxyConfig>

const pairFilesOf = ({
  PAGEPASS_TLS_CERT: cert,
  PAGEPASS_TLS_KEY: key,
}: Pick<z.output<typeof shape>, 'PAGEPASS_TLS_CERT' | 'PAGEPASS_TLS_KEY'>): PairFiles | undefined => {
  if (cert === undefined && key === undefined) return undefined
  if (cert !== undefined && key !== undefined) return { cert, key }
  const [given, missing] = cert === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY']
  throw new Fault(
    'config/invalid',
    `PAGEPASS_TLS_${missing}: is missing; PAGEPASS_TLS_${given} does nothing without it`,
  )
}
