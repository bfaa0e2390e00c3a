import { type RuleSet, type Service, tierOf } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'

/** Two rule sets in the same names, and what both have to be compared by. */
export type Compared = {
  readonly old: RuleSet
  readonly now: RuleSet
  /** Services of the new one; one that was not there before is compared with one that gives nothing. */
  readonly services: readonly { readonly old: Service; readonly now: Service; readonly isNew: boolean }[]
}

export const compared = (old: RuleSet, now: RuleSet): Compared => ({
  old,
  now,
  services: [...now.services.values()].map((service) => {
    const before = old.services.get(service.name)
    return { old: before ?? nothingOf(service), now: service, isNew: before === undefined }
  }),
})

const nothingOf = (service: Service): Service => ({
  ...service,
  onPage: [],
  onRequest: [],
  standing: [],
  freezes: [],
})

/** The tiers that a service has in both rule sets. */
export const tiersInBoth = (old: Service, now: Service): { readonly old: Tier; readonly now: Tier }[] =>
  now.tiers.flatMap((tier) => {
    const before = tierOf(old, tier.name)
    return before === undefined ? [] : [{ old: before, now: tier }]
  })

/** Which tier of a service allows what, to compare it by. */
export const whatTiersAllow = ({ tiers }: Service): string =>
  JSON.stringify(tiers.map(({ name, patterns }) => [name, patterns.map(({ text }) => text)]))

/** What came, and what went. */
export const cameAndWent = (
  old: readonly string[],
  now: readonly string[],
): { readonly came: readonly string[]; readonly went: readonly string[] } => ({
  came: now.filter((one) => !old.includes(one)),
  went: old.filter((one) => !now.includes(one)),
})

/** A rule as far as it decides: neither its name nor its place in a file does. */
export const meaningOf = (rules: readonly object[]): string =>
  JSON.stringify(rules, (key, value: unknown) =>
    ['id', 'where', 'services'].includes(key) ? undefined : value,
  )
