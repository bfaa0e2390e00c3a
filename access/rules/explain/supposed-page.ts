import type { Incident, Paged } from '../../domain/incident.ts'
import type { Service } from '../../domain/rule-set.ts'
import type { Supposed } from './asker.ts'

/** A page that is supposed to reach somebody. */
export type PageFacts = {
  readonly urgency: 'high' | 'low'
  /** The name of a PagerDuty priority. */
  readonly priority?: string
  /** The level of the escalation policy. */
  readonly level?: number
  /** The id of the integration that set the incident off, `self` for the person, or nothing that is known. */
  readonly trigger?: string
  readonly acknowledged?: boolean
}

/** A page as they mostly are: of high urgency, at the first level, set off by an integration the service trusts. */
export const usualPage = (service: Service | undefined): PageFacts => {
  const [trigger] = service?.trustedTriggers ?? []
  return { urgency: 'high', level: 1, ...(trigger === undefined ? {} : { trigger }) }
}

/** What PagerDuty would say of it now. */
export const supposedIncident = (
  service: Service,
  who: Supposed,
  { urgency, priority, level, trigger, acknowledged = false }: PageFacts,
  now: number,
): { readonly incident: Incident; readonly paged: Paged } => {
  const user = who.pagerduty?.user ?? ''
  const paged = { user, name: who.name, at: now, ...(level === undefined ? {} : { level }) }
  return {
    paged,
    incident: {
      id: 'SUPPOSED',
      number: 0,
      title: 'supposed',
      status: acknowledged ? 'acknowledged' : 'triggered',
      urgency,
      ...(priority === undefined ? {} : { priority }),
      service: service.pagerduty[0] ?? 'SUPPOSED',
      paged: [paged],
      acknowledgedBy: acknowledged ? [user] : [],
      trigger:
        trigger === undefined
          ? { kind: 'unknown' }
          : trigger === 'self'
            ? { kind: 'person', user }
            : { kind: 'integration', id: trigger },
      shapedBy: [],
    },
  }
}

/** What is known of a page, in a few words: `high urgency, P1, level 1, set off by PIDATADOG, acknowledged`. */
export const pageText = ({ urgency, priority, level, trigger, acknowledged = false }: PageFacts): string =>
  [
    `${urgency} urgency`,
    ...(priority === undefined ? [] : [priority]),
    ...(level === undefined ? [] : [`level ${level}`]),
    ...(trigger === undefined ? [] : [`set off by ${trigger === 'self' ? 'themselves' : trigger}`]),
    ...(acknowledged ? ['acknowledged'] : []),
  ].join(', ')
