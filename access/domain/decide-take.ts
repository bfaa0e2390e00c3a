import { freezeOn } from './freeze-on.ts'
import type { Grant } from './grant.ts'
import { whyInactive } from './inactive.ts'
import { pageRuleFits, pageRuleOf } from './page-rule.ts'
import type { Person } from './principal.ts'
import type { Reason } from './reasons.ts'
import { type RuleSet, requestRuleFor } from './rule-set.ts'

/**
 * Whether the rules still let this person have what they were offered, as the directory has them now: the reason why
 * not, or undefined.
 */
export const decideTake = (rules: RuleSet, grant: Grant, person: Person, now: number): Reason | undefined => {
  if (!person.active) return whyInactive(person)
  const page = pageRuleOf(rules, grant)
  // What no page rule gives is offered as if they had asked, and so it is taken: by what they could ask for now.
  if (page === undefined && freezeOn(rules, grant, now) !== undefined) return 'frozen'
  const eligible = grant.services.every((name) => {
    const service = rules.services.get(name)
    if (service === undefined) return false
    if (page !== undefined) return pageRuleFits(rules, page, grant, service, person, now)
    return requestRuleFor(rules, service, grant.tier, person, now)?.how === 'at once'
  })
  return eligible ? undefined : 'not-eligible'
}
