import { everyone, PAGERDUTY_ACCOUNT, type Person, people } from '../people.ts'

export type User = { readonly id: string; readonly name: string; readonly email: string }

export type Service = {
  readonly id: string
  readonly name: string
  readonly policy: { readonly id: string; readonly name: string }
  /** Who is on call at first, by escalation level: the first is level 1. */
  readonly onCall: readonly Person[]
}

export type Integration = { readonly id: string; readonly name: string; readonly type: string }

/** The user whose e-mail Pagepass gives in `From`, so that its notes don't look like somebody else's. */
export const pagepassUser: User = { id: 'PUBOT01', name: 'Pagepass', email: 'pagepass@sandbox.example' }

export const users: readonly User[] = [
  ...everyone.map(({ fullName, email, pagerduty }) => ({ id: pagerduty.user, name: fullName, email })),
  pagepassUser,
]

export const services: readonly Service[] = [
  {
    id: 'PORDERS',
    name: 'orders-svc',
    policy: { id: 'PEORDER', name: 'Orders on call' },
    onCall: [people.ana, people.ben],
  },
  {
    id: 'PPAYMTS',
    name: 'payments-svc',
    policy: { id: 'PEPAYMT', name: 'Payments on call' },
    onCall: [people.cho, people.ben],
  },
]

/** Both services have both, under the same ids (as one global integration would give them). */
export const integrations = {
  datadog: { id: 'PIDATADOG', name: 'Datadog', type: 'events_api_v2_inbound_integration' },
  email: { id: 'PIEMAIL01', name: 'Email', type: 'generic_email_inbound_integration' },
} as const satisfies Record<string, Integration>

export const serviceWithId = (id: string): Service | undefined =>
  services.find((service) => service.id === id)
/** The service that has this escalation policy: here every service has its own. */
export const policyService = (policy: string): Service | undefined =>
  services.find((service) => service.policy.id === policy)
export const userWithId = (id: string): User | undefined => users.find((user) => user.id === id)
export const userWithEmail = (email: string): User | undefined =>
  users.find((user) => user.email === email.toLowerCase())
export const integrationWithId = (id: string): Integration | undefined =>
  Object.values(integrations).find((integration) => integration.id === id)

export const API = 'https://api.pagerduty.com'
export const WEBSITE = `https://${PAGERDUTY_ACCOUNT}.pagerduty.com`
