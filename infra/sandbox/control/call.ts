import type { Idp } from '../idp/idp.ts'
import type { PagerDuty } from '../pagerduty/pagerduty.ts'
import type { Service } from '../services/service.ts'
import type { Slack } from '../slack/slack.ts'

/** The stand-ins a call may act on. */
export type Sandbox = {
  readonly slack: Slack
  readonly pagerduty: PagerDuty
  readonly idp: Idp
  readonly services: readonly Service[]
}

/** Body and query fields; values of the path are among them under their names. */
export type Fields = Readonly<Record<string, string>>

export type Answer = { readonly text: string; readonly json: unknown }

export type Call = {
  readonly method: 'GET' | 'POST'
  /** Like `/incidents/{id}/acknowledge`. */
  readonly path: string
  readonly takes?: readonly string[]
  readonly does: string
  /** Arguments of an example with curl; the address is added. */
  readonly example: { readonly path: string; readonly fields?: readonly string[] }
  answer(sandbox: Sandbox, fields: Fields): Answer | Promise<Answer>
}
