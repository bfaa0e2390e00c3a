import { exactDuration } from '../../domain/duration.ts'
import type { PageRule, RequestRule, Service } from '../../domain/rule-set.ts'
import type { TimeWindow } from '../../domain/time-window.ts'
import { levelSaying } from '../own-tiers.ts'
import type { RuleSetSource } from '../source.ts'
import type { Compiling } from './compiling.ts'
import { approvedOn } from './past-demands.ts'

type When = RuleSetSource['on_page'][number]['when']

const windowsOf = (when: When): TimeWindow[] | undefined =>
  when?.map(({ days, hours, zone }) => ({ days, ...hours, zone }))

export const compilePageRules = (
  { source, known, report, ruleAt }: Compiling,
  services: ReadonlyMap<string, Service>,
): PageRule[] =>
  source.on_page.map((rule, index) => {
    const path = ['on_page', index]
    known.services(rule.services, [...path, 'services'])
    known.people(rule.who, [...path, 'who'])
    if (known.tier(rule.give, [...path, 'give'])) {
      const tier = source.tiers[rule.give]
      if (tier?.approvals !== undefined)
        report(
          [...path, 'give'],
          `a page never gives "${rule.give}" by itself, because it needs approval; give a lower tier`,
        )
      if (tier !== undefined && rule.for > tier.longest)
        report(
          [...path, 'for'],
          `"for" (${exactDuration(rule.for)}) is longer than "${rule.give}" lasts at most (${exactDuration(tier.longest)}); shorten it, or raise "longest"`,
        )
    }
    if (rule.cap !== undefined && rule.cap < rule.for)
      report(
        [...path, 'cap'],
        `"cap" (${exactDuration(rule.cap)}) is shorter than "for" (${exactDuration(rule.for)}); raise it, or shorten "for"`,
      )
    for (const [place, also] of rule.also.entries()) {
      const at = [...path, 'also', place]
      known.services(also.services, [...at, 'services'])
      if (!known.tier(also.tier, [...at, 'tier'])) continue
      const strict = approvedOn(services.values(), also.services, also.tier)
      if (strict !== undefined)
        report(
          [...at, 'tier'],
          `a page never gives "${also.tier}" by itself, because it needs approval on ${strict.name}; give a lower tier`,
        )
    }
    const { name, when, for: lasts } = rule
    return {
      ...ruleAt('on_page', index, name),
      services: rule.services,
      who: rule.who,
      urgency: rule.urgency,
      priority: rule.priority,
      levels: rule.levels === 'any' ? undefined : rule.levels,
      when: windowsOf(when),
      give: rule.give,
      how: rule.how,
      for: lasts,
      cap: rule.cap ?? lasts,
      grace: rule.grace ?? 0,
      also: rule.also,
    }
  })

export const compileRequestRules = ({ source, known, report, ruleAt }: Compiling): RequestRule[] =>
  source.on_request.map((rule, index) => {
    const path = ['on_request', index]
    known.services(rule.services, [...path, 'services'])
    known.people(rule.who, [...path, 'who'])
    for (const [place, tier] of rule.tiers.entries()) {
      if (!known.tier(tier, [...path, 'tiers', place])) continue
      const approvals = source.tiers[tier]?.approvals
      if (rule.how === 'approval' && approvals === undefined && !isApprovedSomewhere(source, tier))
        report(
          [...path, 'tiers', place],
          `nobody is named to approve "${tier}"; give the tier approvals, for example approvals: { count: 1, from: [${rule.who[0] ?? 'sre'}] }`,
        )
      if (rule.how === 'at once' && approvals !== undefined)
        report(
          [...path, 'tiers', place],
          `"${tier}" needs approval, so it can't be given at once; ${rule.tiers.length === 1 ? 'say "how: approval"' : 'give it a rule of its own with "how: approval"'}`,
        )
    }
    const { name, when, ahead } = rule
    return {
      ...ruleAt('on_request', index, name),
      who: rule.who,
      services: rule.services,
      tiers: rule.tiers,
      how: rule.how,
      when: windowsOf(when),
      ahead: ahead ?? 0,
    }
  })

/** Whether a service itself, or its profile, names who approves this tier. */
const isApprovedSomewhere = (source: RuleSetSource, tier: string): boolean =>
  Object.keys(source.services).some(
    (service) => levelSaying(source, service, tier, 'approvals') !== undefined,
  )
