import { createAccount } from '#access/adapters/pagerduty/account.ts'
import { PagerDutyFault } from '#access/adapters/pagerduty/rest.ts'
import {
  listSubscriptions,
  neededEvents,
  oursAmong,
  type Subscription,
  webhookPath,
} from '#access/adapters/pagerduty/subscriptions.ts'
import { Fault } from '#access/domain/errors.ts'
import { counted } from '../print.ts'
import { type Examined, fail, ok, warn, within } from './examine.ts'

export type PagerDutyAccess = { readonly url: string; readonly token: string }

/** Whether PagerDuty takes the token. The value is what the other checks of PagerDuty need. */
export const lookAtPagerDuty = async ({
  url,
  token,
}: PagerDutyAccess): Promise<Examined<PagerDutyAccess>> => {
  await mended(createAccount(url, token).abilities())
  return { findings: [ok(`${new URL(url).host} takes the token`)], value: { url, token } }
}

/** Whether PagerDuty would tell the bot about everything it needs to hear. */
export const lookAtWebhooks = async ({ url, token }: PagerDutyAccess): Promise<Examined<undefined>> => {
  const all = await mended(listSubscriptions(url, token))
  const ours = oursAmong(all)
  if (ours.length === 0)
    return {
      findings: [
        fail(
          `no subscription delivers to an address that ends in ${webhookPath}`,
          `add one in PagerDuty (Integrations, Generic Webhooks v3) for https://<the bot>${webhookPath}`,
        ),
      ],
      value: undefined,
    }
  const judged = ours.map((one) => ({ one, faults: faultsOf(one) }))
  const good = judged.filter(({ faults }) => faults.length === 0)
  const say = good.length === 0 ? fail : warn
  return {
    findings: [
      ...good.map(({ one }) => ok(`${one.id} delivers all that is needed to ${plainAddress(one.url)}`)),
      ...judged.flatMap(({ one, faults }) =>
        faults.map(({ what, mend }) => say(`${one.id} to ${plainAddress(one.url)} ${what}`, mend)),
      ),
    ],
    value: undefined,
  }
}

type WebhookFault = { readonly what: string; readonly mend: string }

const faultsOf = ({ id, active, temporarilyDisabled, events }: Subscription): WebhookFault[] => {
  const missing = neededEvents.filter((event) => !events.includes(event))
  return [
    ...(active
      ? []
      : [{ what: 'is switched off', mend: 'enable it in PagerDuty (Integrations, Generic Webhooks v3)' }]),
    ...(temporarilyDisabled
      ? [
          {
            what: 'is disabled for a day, as deliveries were refused',
            mend: `mend why the bot did not answer, then enable it: POST /webhook_subscriptions/${id}/enable`,
          },
        ]
      : []),
    ...(missing.length === 0
      ? []
      : [
          {
            what: `lacks ${counted(missing.length, 'event type')}: ${missing.join(', ')}`,
            mend: 'add these event types to the subscription',
          },
        ]),
  ]
}

/** Without what may hold a secret: user, password and query. */
const plainAddress = (text: string): string => {
  const url = new URL(text)
  return `${url.origin}${url.pathname}`
}

/** Whether the user exists in whose name notes are added. */
export const lookAtSender = async (
  { url, token }: PagerDutyAccess,
  from: string,
): Promise<Examined<undefined>> => {
  const known = await mended(createAccount(url, token).hasUser(from))
  const finding = known
    ? ok(`${from} is a user`)
    : fail(
        `PagerDuty has no user with the e-mail ${from}`,
        'set PAGERDUTY_FROM to the e-mail of one, or add one',
      )
  return { findings: [finding], value: undefined }
}

const mends: Readonly<Record<number, string>> = {
  401: 'put a REST API key into PAGERDUTY_TOKEN; an account in the EU needs PAGERDUTY_API_URL=https://api.eu.pagerduty.com',
  403: 'the key may not read this: put a REST API key of the account into PAGERDUTY_TOKEN',
  429: 'PagerDuty has had too many calls: try again in a minute',
}
const usualMend =
  'see whether this machine reaches PagerDuty, and whether PagerDuty is well: https://status.pagerduty.com'

/** A little less than the check has, so that its own words come first. */
const withinMs = 2_800

/** A fault of PagerDuty's with what to do about it. */
const mended = <T>(asking: Promise<T>): Promise<T> =>
  within(
    withinMs,
    asking,
    () => new PagerDutyFault(`PagerDuty did not answer within ${withinMs / 1_000} s`),
  ).catch((error: unknown) => {
    if (!(error instanceof PagerDutyFault)) throw error
    throw new Fault('pagerduty/failed', error.message, {
      mend: (error.status === undefined ? undefined : mends[error.status]) ?? usualMend,
      cause: error,
    })
  })
