import { type Freeze, freezeOf, type RuleSet } from './rule-set.ts'

/** The freeze that holds a grant's tier on one of its services now; of several, that of the first of them. */
export const freezeOn = (
  rules: RuleSet,
  { services, tier }: { readonly services: readonly string[]; readonly tier: string },
  now: number,
): Freeze | undefined => {
  for (const name of services) {
    const service = rules.services.get(name)
    const freeze = service === undefined ? undefined : freezeOf(service, tier, now)
    if (freeze !== undefined) return freeze
  }
  return undefined
}
