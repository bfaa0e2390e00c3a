import { createHmac } from 'node:crypto'
import { ACK_DEADLINE_MS, type Acknowledgement } from './acknowledgement.ts'

/** A request as it goes over the wire, so that it can be sent again byte by byte. */
export type SignedRequest = {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** https://docs.slack.dev/authentication/verifying-requests-from-slack */
export const slackSignature = (secret: string, timestamp: number, body: string): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`

/** `nowMs`: milliseconds since 1970. */
export const signedForm = (
  secret: string,
  nowMs: number,
  fields: Readonly<Record<string, string>>,
): SignedRequest => {
  const body = new URLSearchParams(fields).toString()
  const timestamp = Math.floor(nowMs / 1000)
  return {
    body,
    headers: {
      // Without a charset, as Slack sends it: Bolt answers 400 to one.
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      'x-slack-request-timestamp': String(timestamp),
      'x-slack-signature': slackSignature(secret, timestamp, body),
    },
  }
}

/** Sends it to the bot, and tells how it was acknowledged. Never rejects. */
export const sendSigned = async (url: string, { body, headers }: SignedRequest): Promise<Acknowledgement> => {
  try {
    const signal = AbortSignal.timeout(ACK_DEADLINE_MS)
    const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal })
    const text = await response.text()
    if (response.status !== 200) return { ok: false, failure: 'dispatch_failed' }
    return { ok: true, body: text, isJson: response.headers.get('content-type')?.includes('json') ?? false }
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError'
    return { ok: false, failure: timedOut ? 'operation_timeout' : 'dispatch_failed' }
  }
}
