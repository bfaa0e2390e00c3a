import type { Service } from '../../domain/rule-set.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { enoughReason } from './ask-command.ts'
import { type Asker, supposedPerson } from './asker.ts'
import type { RuleChecked } from './condition.ts'
import { type AskExplanation, checkFreezes, explainAsk } from './explain-ask.ts'
import { explainPage, type PageExplanation } from './explain-page.ts'
import { type PageFacts, usualPage } from './supposed-page.ts'

export type ServiceExplanation = {
  /** For each tier, in rising order, what asking for it with a good reason would bring. */
  readonly asking: readonly AskExplanation[]
  readonly paging: PageExplanation
  /** The freezes that hold now, of any tier. */
  readonly freezes: readonly RuleChecked[]
}

/** What somebody may ask for on a service, and what a page gives them there. Pure; `now` is milliseconds. */
export const explainService = (
  parsed: SoundRuleSet,
  asker: Asker,
  service: Service,
  now: number,
  page: PageFacts = usualPage(service),
): ServiceExplanation => {
  const who = supposedPerson(parsed.rules, asker)
  const holding = service.tiers
    .flatMap(({ name }) => checkFreezes(service, name, now))
    .filter(({ decides }) => decides)
  return {
    asking: service.tiers.map(({ name }) =>
      explainAsk(parsed, who, { service: service.name, tier: name, reason: enoughReason }, now),
    ),
    paging: explainPage(parsed, who, service, page, now),
    freezes: [...new Map(holding.map((freeze) => [freeze.id, freeze])).values()],
  }
}
