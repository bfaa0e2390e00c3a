export type PersonName = 'ana' | 'ben' | 'cho' | 'dan' | 'eve'

/** One of the cast, under the ids by which each of the outside services knows them. */
export type Person = {
  readonly name: PersonName
  readonly fullName: string
  readonly email: string
  readonly subject: string
  readonly groups: readonly string[]
  readonly slack: { readonly team: string; readonly user: string }
  readonly pagerduty: { readonly account: string; readonly user: string }
}

export const SLACK_TEAM = 'T0SANDBOX'
export const PAGERDUTY_ACCOUNT = 'sandbox'

const person = (name: PersonName, fullName: string, groups: readonly string[]): Person => ({
  name,
  fullName,
  email: `${name}@sandbox.example`,
  subject: `idp-${name}`,
  groups,
  slack: { team: SLACK_TEAM, user: `U0${name.toUpperCase()}00001` },
  pagerduty: { account: PAGERDUTY_ACCOUNT, user: `PU${name.toUpperCase()}01` },
})

export const people: Readonly<Record<PersonName, Person>> = {
  ana: person('ana', 'Ana Lopes', ['team-payments']),
  ben: person('ben', 'Ben Okafor', ['sre']),
  cho: person('cho', 'Cho Park', ['team-payments']),
  /** Known to PagerDuty, Slack and the identity provider, but left out of Pagepass's directory. */
  dan: person('dan', 'Dan Weiss', ['team-payments']),
  eve: person('eve', 'Eve Stone', []),
}

export const everyone: readonly Person[] = Object.values(people)

export const personNamed = (name: string): Person | undefined =>
  everyone.find((one) => one.name === name.toLowerCase())
