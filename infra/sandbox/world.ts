import { join } from 'node:path'
import { startControl } from './control.ts'
import { startIdp } from './idp/idp.ts'
import { createPagerDuty } from './pagerduty/pagerduty.ts'
import { createService } from './services/service.ts'
import { createSlack } from './slack/slack.ts'

export const PLACES = ['slack', 'pagerduty', 'idp', 'control', 'orders', 'payments'] as const
export type Place = (typeof PLACES)[number]

export type WorldOptions = {
  /** 0 takes any free port. */
  readonly ports: Readonly<Record<Place, number>>
  readonly slackBotToken: string
  /** Of Socket Mode; without it nobody connects. */
  readonly slackAppToken?: string
  readonly slackSigningSecret: string
  readonly pagerdutyToken: string
  readonly pagerdutyWebhookSecret: string
  readonly stateFolder: string
  /** Base address of Pagepass's bot. */
  readonly botUrl: string
}

/** All stand-ins, listening. When one can't start, those before it are closed again. */
export const createWorld = async (options: WorldOptions) => {
  const { ports, stateFolder, botUrl } = options
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(closers.splice(0).map((one) => one()))
  }

  const start = async <T extends { close(): Promise<void> }>(
    place: Place,
    starting: Promise<T>,
  ): Promise<T> => {
    try {
      const started = await starting
      closers.push(started.close)
      return started
    } catch (error) {
      await close()
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
        throw new Error(
          `Port ${ports[place]} for the ${place} stand-in is taken: stop what uses it, or give another.`,
        )
      }
      throw error
    }
  }

  const slack = createSlack({
    botToken: options.slackBotToken,
    ...(options.slackAppToken === undefined ? {} : { appToken: options.slackAppToken }),
    signingSecret: options.slackSigningSecret,
    bot: { eventsUrl: `${botUrl}/slack/events` },
    stateFile: join(stateFolder, 'slack.json'),
  })
  const pagerduty = createPagerDuty({
    token: options.pagerdutyToken,
    webhook: { url: `${botUrl}/pagerduty/webhooks`, secret: options.pagerdutyWebhookSecret },
    stateFile: join(stateFolder, 'pagerduty.json'),
  })
  closers.push(pagerduty.webhooks.close)
  const orders = createService('orders-svc')
  const payments = createService('payments-svc')

  const slackAt = await start('slack', slack.listen(ports.slack))
  const pagerdutyAt = await start('pagerduty', pagerduty.listen(ports.pagerduty))
  const idp = await start('idp', startIdp({ stateFile: join(stateFolder, 'idp.json') }, ports.idp))
  const ordersAt = await start('orders', orders.listen(ports.orders))
  const paymentsAt = await start('payments', payments.listen(ports.payments))
  const services = [orders, payments]
  const controlAt = await start('control', startControl({ slack, pagerduty, idp, services }, ports.control))

  const urls: Readonly<Record<Place, string>> = {
    slack: slackAt.url,
    pagerduty: pagerdutyAt.url,
    idp: idp.issuer,
    control: controlAt.url,
    orders: ordersAt.url,
    payments: paymentsAt.url,
  }
  return { slack, pagerduty, idp, orders, payments, urls, close }
}

export type World = Awaited<ReturnType<typeof createWorld>>
