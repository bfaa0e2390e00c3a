import { type Service, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { type Person, people } from '#infra/sandbox/people.ts'

/** A service of the sandbox, who is paged for it, and how its pass comes. */
export type Place = {
  readonly service: 'orders-svc' | 'payments-svc'
  readonly pagerduty: Service
  readonly paged: Person
  readonly channel: 'inc-orders' | 'inc-payments'
  /** The rule set of the sandbox: at once, or offered first. */
  readonly how: 'auto' | 'on acknowledge'
}

const pagerDutyService = (id: string): Service => {
  const found = serviceWithId(id)
  if (found === undefined) throw new Error(`the sandbox has no PagerDuty service ${id}`)
  return found
}

export const places: readonly Place[] = [
  {
    service: 'orders-svc',
    pagerduty: pagerDutyService('PORDERS'),
    paged: people.ana,
    channel: 'inc-orders',
    how: 'auto',
  },
  {
    service: 'payments-svc',
    pagerduty: pagerDutyService('PPAYMTS'),
    paged: people.cho,
    channel: 'inc-payments',
    how: 'on acknowledge',
  },
]

/** An integration that the rule set trusts, and one that it does not. */
export const datadog = (service: string) => ({ kind: 'integration', id: 'PIDATADOG', service }) as const
export const email = (service: string) => ({ kind: 'integration', id: 'PIEMAIL01', service }) as const
export const byHand = (person: Person) => ({ kind: 'user', id: person.pagerduty.user }) as const
