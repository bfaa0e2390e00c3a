import { createHmac } from 'node:crypto'

/** How long PagerDuty waits for an answer. */
const ANSWER_WITHIN_MS = 5000

export const SUBSCRIPTION = 'PWEBHOOK'

export type Post = {
  readonly url: string
  readonly webhookId: string
  readonly body: string
  /** One signature for each; none leaves the header out. */
  readonly secrets: readonly string[]
  readonly signal: AbortSignal
}

/** Posts a webhook once. Resolves with the status of the answer, or `none`. */
export const postWebhook = async ({
  url,
  webhookId,
  body,
  secrets,
  signal,
}: Post): Promise<number | 'none'> => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'user-agent': 'PagerDuty-Webhook/V3.0',
        ...(secrets.length > 0 && { 'x-pagerduty-signature': signatures(body, secrets) }),
        'x-webhook-id': webhookId,
        'x-webhook-subscription': SUBSCRIPTION,
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    })
    await response.body?.cancel()
    return response.status
  } catch {
    return 'none'
  }
}

const signatures = (body: string, secrets: readonly string[]): string =>
  secrets.map((secret) => `v1=${createHmac('sha256', secret).update(body).digest('hex')}`).join(',')
