/** What set an incident off, as PagerDuty's log says. A cause nobody can know is `unknown`. */
export type Trigger =
  | { readonly kind: 'person'; readonly user: string }
  | { readonly kind: 'integration'; readonly id: string }
  | { readonly kind: 'unknown' }

/** Somebody whom an incident reached: assigned to them, asked of them as a responder, or come with their shift. */
export type Paged = {
  readonly user: string
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The level of the escalation policy that they are on call at; undefined where PagerDuty does not say. */
  readonly level?: number
  /** Their shift began while the incident was open: nobody has paged them. */
  readonly shift?: {
    /** PagerDuty users whom they take over from: they were on call, and are no more. */
    readonly from: readonly string[]
    /** Whether the schedule itself says so. An override is made by whoever may, and nobody tells by whom. */
    readonly planned: boolean
  }
}

/** A PagerDuty incident as its API last confirmed it. Ids are PagerDuty's. */
export type Incident = {
  readonly id: string
  readonly number: number
  readonly title: string
  readonly status: 'triggered' | 'acknowledged' | 'resolved'
  readonly urgency: 'high' | 'low'
  /** The name of its priority, such as P1. */
  readonly priority?: string
  readonly service: string
  readonly paged: readonly Paged[]
  /** PagerDuty users who were on call for it since somebody was assigned, and are no more. */
  readonly relieved?: readonly string[]
  /** PagerDuty users who acknowledged it. */
  readonly acknowledgedBy: readonly string[]
  readonly trigger: Trigger
  /** PagerDuty users who by hand set off, assigned, escalated or changed the incident. */
  readonly shapedBy: readonly string[]
  /** How a resolved one ended. What PagerDuty does not say counts as an integration. */
  readonly resolution?:
    | { readonly by: 'person' }
    | { readonly by: 'integration' }
    | { readonly by: 'merge'; readonly into: string }
}
