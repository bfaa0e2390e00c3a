import type { Grant } from './grant.ts'
import type { Person } from './principal.ts'
import type { Reason } from './reasons.ts'
import { belongsTo, namesService, type RuleSet, requestRuleFor } from './rule-set.ts'

/**
 * Whether the rules still let this person have what they were offered, by their groups as the directory has them now:
 * the reason why not, or undefined.
 */
export const decideTake = (rules: RuleSet, grant: Grant, person: Person): Reason | undefined => {
  if (!person.active) return 'person-inactive'
  const eligible = grant.services.every((name) => {
    const service = rules.services.get(name)
    if (service === undefined) return false
    const page = rules.onPage.find(({ id }) => id === grant.why.rule)
    if (page !== undefined)
      return (
        page.give === grant.tier &&
        namesService(page.services, service) &&
        belongsTo(rules, page.who, person.groups)
      )
    return requestRuleFor(rules, service, grant.tier, person.groups)?.how === 'at once'
  })
  return eligible ? undefined : 'not-eligible'
}
