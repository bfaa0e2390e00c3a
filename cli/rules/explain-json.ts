import type { AccessDecision } from '#access/domain/decide-access.ts'
import type { Decision } from '#access/domain/decision.ts'
import { isStanding } from '#access/domain/standing-grant.ts'
import type { AskExplanation } from '#access/rules/explain/explain-ask.ts'
import type { PageExplanation } from '#access/rules/explain/explain-page.ts'
import type { ServiceExplanation } from '#access/rules/explain/explain-service.ts'
import type { Explanation, Question } from '#access/rules/explain.ts'
import { jsonLine } from '../print.ts'

/** Services and tiers as their names, so that it is what was decided and not the whole rule set. */
const decisionOf = (decision: Decision) =>
  decision.allow
    ? {
        allow: true,
        tier: decision.tier.name,
        pattern: decision.pattern.text,
        pass: isStanding(decision.held) ? undefined : decision.held.grant.tier,
      }
    : { allow: false, reason: decision.reason, needs: decision.needs?.name }

const givenOf = (decision: AccessDecision) =>
  decision.give
    ? { give: true, ...decision.proposal, service: decision.proposal.service.name }
    : { give: false, ...decision.refusal }

const askingOf = (asking: AskExplanation) => ({ ...asking, decision: givenOf(asking.decision) })
const pagingOf = (paging: PageExplanation) => ({ ...paging, decision: givenOf(paging.decision) })

/** `{who, service, method, path, now, decision, route?, by?, conditions, passes, rules, asking?, paging?, mends}`. */
export const requestJson = ({ who, service, method, path, now }: Question, it: Explanation): string =>
  jsonLine({
    who,
    service,
    method,
    path,
    now,
    ...it,
    by: it.by === undefined ? undefined : { id: it.by.id, where: it.by.where },
    decision: decisionOf(it.decision),
    asking: it.asking === undefined ? undefined : askingOf(it.asking),
    paging: it.paging === undefined ? undefined : pagingOf(it.paging),
  })

/** `{who, service, now, asking: [one of each tier], paging, freezes}`. */
export const serviceJson = (
  { who, service, now }: Pick<Question, 'who' | 'service' | 'now'>,
  { asking, paging, freezes }: ServiceExplanation,
): string => jsonLine({ who, service, now, asking: asking.map(askingOf), paging: pagingOf(paging), freezes })
