import { createHash, createHmac } from 'node:crypto'
import { type ButtonAction, buttonValue } from '#access/domain/button.ts'
import type { Grant } from '#access/domain/grant.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import type { Incident } from '#infra/sandbox/pagerduty/incident-record.ts'
import type { IncidentEvent } from '#infra/sandbox/pagerduty/incident-store.ts'
import { blockActions } from '#infra/sandbox/slack/block-actions.ts'
import { signedForm } from '#infra/sandbox/slack/signed-request.ts'
import { commandFields } from '#infra/sandbox/slack/slash-command.ts'
import type { Member } from './cast.ts'
import type { RaceIncidents } from './incidents.ts'
import type { Secrets } from './stack.ts'

/** A signed HTTP message, and where its answer is heard. The same one may be sent several times. */
export type Message = {
  /** Who does what: how judges find the answers. */
  readonly label: string
  readonly path: '/slack/events' | '/pagerduty/webhooks'
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** `channel`: a message there. `body`: in what is answered. `job`: none; the job that it leads to. */
  readonly answered:
    | { readonly by: 'channel'; readonly channel: string }
    | { readonly by: 'body' }
    | { readonly by: 'job'; readonly job: string }
  /** How many more times the very same bytes are sent. */
  readonly replays: number
}

let made = 0
const nextName = (): string => {
  made += 1
  return String(made).padStart(9, '0')
}

const eventId = /^\{"event":\{"id":"([^"]+)"/

export const messagesOf = (
  { slackSigningSecret, pagerdutyWebhookSecret }: Secrets,
  incidents: RaceIncidents,
) => ({
  click: (label: string, who: Member, action: ButtonAction, grant: Grant, replays = 0): Message => {
    const name = nextName()
    const channel = `C${name}`
    const member = { ...who, name: 'ana', fullName: who.name, email: '' } as const
    const button = {
      type: 'button',
      text: { type: 'plain_text', text: action },
      action_id: action,
      value: buttonValue(grant, action, who),
    } as const
    const payload = blockActions({
      person: member,
      message: { ts: `17.${name}`, channel, user: 'U0PAGEPASS', text: '' },
      placed: { block_id: 'b', button },
      actionTs: `18.${name}`,
      responseUrl: 'http://127.0.0.1:9/',
      triggerId: name,
    })
    const form = { payload: JSON.stringify(payload) }
    return {
      label,
      path: '/slack/events',
      ...signedForm(slackSigningSecret, Date.now(), form),
      answered: { by: 'channel', channel },
      replays,
    }
  },

  command: (label: string, who: Member, text: string, replays = 0): Message => {
    const fields = commandFields({
      person: { ...who, name: 'ana', fullName: who.name, email: '' },
      command: '/access',
      text,
      channel: { id: 'C0GENERAL0', name: 'general' },
      responseUrl: 'http://127.0.0.1:9/',
      triggerId: nextName(),
    })
    return {
      label,
      path: '/slack/events',
      ...signedForm(slackSigningSecret, Date.now(), fields),
      answered: { by: 'body' },
      replays,
    }
  },

  webhook: (label: string, incident: Incident, event: IncidentEvent, replays = 0): Message => {
    const body = incidents.envelope(incident, event)
    const id = eventId.exec(body)?.[1] ?? ''
    return {
      label,
      path: '/pagerduty/webhooks',
      body,
      headers: {
        'content-type': 'application/json',
        'x-pagerduty-signature': `v1=${createHmac('sha256', pagerdutyWebhookSecret).update(body).digest('hex')}`,
      },
      answered: { by: 'job', job: `event-${createHash('sha256').update(id).digest('hex').slice(0, 32)}` },
      replays,
    }
  },
})
export type Messages = ReturnType<typeof messagesOf>

const done = {
  'You have a pass: ': 'has',
  'Others were asked to approve ': 'asked',
  'Turned down: ': 'declined',
  'Approved by you. ': 'endorsed',
  'Approved: ': 'approved',
  'Denied: ': 'denied',
  'Extended by ': 'extended',
  'Revoked: ': 'revoked',
  'Taken back: ': 'withdrawn',
} as const

/** What the bot said, by the first words of its text: what it did, or the reason why it did not. */
export type Said = (typeof done)[keyof typeof done] | Reason | 'unknown' | 'nothing'

export const meaningOf = (text: string | undefined): Said => {
  if (text === undefined || text === '') return 'nothing'
  for (const [start, meaning] of Object.entries(done)) if (text.startsWith(start)) return meaning
  for (const [reason, { person }] of Object.entries(reasons))
    if (text.startsWith(person)) return reason as Reason
  return 'unknown'
}
