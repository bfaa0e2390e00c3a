import { z } from 'zod'
import { PLACES, type Place, type WorldOptions } from './world.ts'

const EXAMPLE_PORTS = 'slack=7072,pagerduty=7073,idp=7074,control=7075,orders=7076,payments=7077'

const secret = z.string('is missing').min(1, 'is empty')

const ports = z
  .string(`is missing, say ${EXAMPLE_PORTS}`)
  .transform((text, context): Record<Place, number> => {
    const given = new Map(
      text
        .split(',')
        .map((part) => part.split('='))
        .map(([place = '', port]) => [place, Number(port)]),
    )
    const wrong = PLACES.some((place) => !isPort(given.get(place)))
    if (wrong || given.size !== PLACES.length) {
      context.addIssue({ code: 'custom', message: `must name a port for each, like ${EXAMPLE_PORTS}` })
    }
    const portOf = (place: Place): number => given.get(place) ?? 0
    return {
      slack: portOf('slack'),
      pagerduty: portOf('pagerduty'),
      idp: portOf('idp'),
      control: portOf('control'),
      orders: portOf('orders'),
      payments: portOf('payments'),
    }
  })

const isPort = (port: number | undefined): boolean =>
  port !== undefined && Number.isInteger(port) && port >= 0 && port < 65_536

const loopback = z
  .url('must be an address like http://127.0.0.1:7071')
  .refine((url) => ['127.0.0.1', 'localhost'].includes(new URL(url).hostname), 'must be on this machine')
  .transform((url) => url.replace(/\/+$/, ''))

const environment = z.object({
  SANDBOX_PORTS: ports,
  SANDBOX_STATE: secret,
  SANDBOX_BOT_URL: loopback,
  SLACK_BOT_TOKEN: secret,
  SLACK_APP_TOKEN: secret.optional(),
  SLACK_SIGNING_SECRET: secret,
  PAGERDUTY_TOKEN: secret,
  PAGERDUTY_WEBHOOK_SECRET: secret,
})

/** Reads the environment; an error names every fault at once. */
export const readWorldConfig = (env: Readonly<Record<string, string | undefined>>): WorldOptions => {
  const read = environment.safeParse(env)
  if (!read.success) {
    throw new Error(read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'))
  }
  return {
    ports: read.data.SANDBOX_PORTS,
    stateFolder: read.data.SANDBOX_STATE,
    botUrl: read.data.SANDBOX_BOT_URL,
    slackBotToken: read.data.SLACK_BOT_TOKEN,
    ...(read.data.SLACK_APP_TOKEN === undefined ? {} : { slackAppToken: read.data.SLACK_APP_TOKEN }),
    slackSigningSecret: read.data.SLACK_SIGNING_SECRET,
    pagerdutyToken: read.data.PAGERDUTY_TOKEN,
    pagerdutyWebhookSecret: read.data.PAGERDUTY_WEBHOOK_SECRET,
  }
}
