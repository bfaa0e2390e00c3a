import { createHmac, randomBytes } from 'node:crypto'
import type { Person } from '../people.ts'
import { BOT, type Channel, TEAM } from './workspace.ts'

/** Slack waits three seconds for the acknowledgement of a slash command. */
const ACK_DEADLINE_MS = 3000

export type SlashCommand = {
  readonly person: Person
  readonly command: string
  readonly text: string
  readonly channel: Channel
  readonly responseUrl: string
  readonly triggerId: string
}

export type Acknowledgement =
  | { readonly ok: true; readonly body: string; readonly isJson: boolean }
  | { readonly ok: false; readonly failure: 'operation_timeout' | 'dispatch_failed' }

export const newTriggerId = (now: number): string => `${now}.${TEAM.id}.${randomBytes(16).toString('hex')}`

export const slackSignature = (secret: string, timestamp: number, body: string): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`

/** The fields of a real delivery. `token` is the old verification token, which apps no longer look at. */
const commandForm = ({ person, command, text, channel, responseUrl, triggerId }: SlashCommand) =>
  new URLSearchParams({
    token: 'deprecated-verification-token',
    team_id: TEAM.id,
    team_domain: TEAM.domain,
    channel_id: channel.id,
    channel_name: channel.name,
    user_id: person.slack.user,
    user_name: person.name,
    command,
    text,
    api_app_id: BOT.app,
    is_enterprise_install: 'false',
    response_url: responseUrl,
    trigger_id: triggerId,
  }).toString()

/** Sends the command to the bot as Slack would, and tells how it was acknowledged. */
export const deliverCommand = async (
  url: string,
  secret: string,
  nowMs: number,
  command: SlashCommand,
): Promise<Acknowledgement> => {
  const body = commandForm(command)
  const timestamp = Math.floor(nowMs / 1000)
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        // Without a charset, as Slack sends it: Bolt answers 400 to one.
        'content-type': 'application/x-www-form-urlencoded',
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'x-slack-request-timestamp': String(timestamp),
        'x-slack-signature': slackSignature(secret, timestamp, body),
      },
      body,
      signal: AbortSignal.timeout(ACK_DEADLINE_MS),
    })
    const text = await response.text()
    if (response.status !== 200) return { ok: false, failure: 'dispatch_failed' }
    return { ok: true, body: text, isJson: response.headers.get('content-type')?.includes('json') ?? false }
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError'
    return { ok: false, failure: timedOut ? 'operation_timeout' : 'dispatch_failed' }
  }
}
