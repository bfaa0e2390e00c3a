import type { By, Grant } from '../../domain/grant.ts'
import { belongsTo, type RuleSet, requestRuleFor, type Service, tierOf } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import type { Supposed } from './asker.ts'

/** A pass that somebody is supposed to hold. Times are milliseconds since the epoch. */
export type SupposedPass = {
  readonly tier: string
  /** Whether it was asked for, or came with a page. */
  readonly kind: 'request' | 'page'
  /** By default from now on, for as long as the rules would give it. */
  readonly from?: number
  readonly until?: number
  /** The id of the rule that gave it; by default the first that would. */
  readonly rule?: string
  /** Who approved it; by default as many as the tier demands. */
  readonly approvals?: Grant['approvals']
}

/** The grant that such a pass would be. */
export const supposedGrant = (
  rules: RuleSet,
  who: Supposed,
  service: Service,
  pass: SupposedPass,
  now: number,
): Grant => {
  const tier = tierOf(service, pass.tier)
  const page = service.onPage.find(
    ({ give, who: named }) => give === pass.tier && belongsTo(rules, named, who, now),
  )
  const usual = (pass.kind === 'page' ? page?.for : undefined) ?? tier?.usual ?? 3_600_000
  const from = pass.from ?? now
  const until = pass.until ?? from + usual
  const asked = requestRuleFor(rules, service, pass.tier, who, now)
  const approvals = pass.approvals ?? approvalsFor(rules, tier, now)
  return {
    id: '0000-0000-0000',
    version: 1,
    environment: rules.environment,
    state: 'active',
    step: 'given',
    who: { issuer: who.issuer, subject: who.subject, name: who.name },
    services: [service.name],
    tier: pass.tier,
    from,
    until,
    duration: Math.max(1, until - from),
    why:
      pass.kind === 'page'
        ? {
            kind: 'page',
            rule: pass.rule ?? page?.id ?? '',
            incident: { id: 'SUPPOSED', number: 0, title: 'supposed' },
          }
        : { kind: 'request', rule: pass.rule ?? asked?.id ?? '' },
    ...(approvals.length === 0 ? {} : { approvals }),
    nonce: '0'.repeat(22),
    rules: rules.hash,
    at: from,
  }
}

/** As many approvals as a tier demands, each of another of the sets that may give them. */
const approvalsFor = (rules: RuleSet, tier: Tier | undefined, at: number): NonNullable<Grant['approvals']> =>
  Array.from({ length: tier?.approvals?.count ?? 0 }, (_, index) => {
    const from = tier?.approvals?.from ?? []
    const by: By = {
      issuer: rules.identity.issuer,
      subject: `supposed approver ${index + 1}`,
      name: 'supposed',
    }
    return { ...by, at, teams: tier?.approvals?.distinct ? from.slice(index, index + 1) : [...from] }
  })
