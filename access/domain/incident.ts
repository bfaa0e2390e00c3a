/** What set an incident off, as PagerDuty's log says. A cause nobody can know is `unknown`. */
export type Trigger =
  | { readonly kind: 'person'; readonly user: string }
  | { readonly kind: 'integration'; readonly id: string }
  | { readonly kind: 'unknown' }

/** A PagerDuty incident as its API last confirmed it. Ids are PagerDuty's. */
export type Incident = {
  readonly id: string
  readonly number: number
  readonly title: string
  readonly status: 'triggered' | 'acknowledged' | 'resolved'
  readonly urgency: 'high' | 'low'
  readonly service: string
  readonly assignees: readonly { readonly user: string; readonly name: string }[]
  readonly trigger: Trigger
  /** PagerDuty users who by hand set off, assigned, escalated or changed the incident. */
  readonly shapedBy: readonly string[]
}
