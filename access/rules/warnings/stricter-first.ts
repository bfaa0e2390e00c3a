import { exactDuration } from '../../domain/duration.ts'
import { type PageRule, type RequestRule, type RuleSet, type Service, tierOf } from '../../domain/rule-set.ts'
import type { Finding, Looked } from './finding.ts'
import { peopleApart, windowsApart } from './people-apart.ts'

/** Rules that keep from somebody what a later rule would give them, so that to remove them would give more. */
export const stricterFirst = ({ rules }: Looked): Finding[] => [
  ...rules.onPage.flatMap((rule, index) =>
    stricter(rules, 'on_page', index, rule, ({ onPage }) => onPage, moreByPage),
  ),
  ...rules.onRequest.flatMap((rule, index) =>
    stricter(rules, 'on_request', index, rule, ({ onRequest }) => onRequest, moreByAsking),
  ),
]

/** The first later rule that gives more is named; `moreOf` says in what, where both may be about the same. */
const stricter = <R extends PageRule | RequestRule>(
  rules: RuleSet,
  section: string,
  index: number,
  { id }: R,
  of: (service: Service) => readonly R[],
  moreOf: (service: Service, first: R, later: R) => string | undefined,
): Finding[] => {
  for (const service of rules.services.values()) {
    const all = of(service)
    for (const [place, first] of all.entries()) {
      if (first.id !== id) continue
      for (const later of all.slice(place + 1)) {
        if (
          later.id === id ||
          windowsApart(first.when, later.when) ||
          peopleApart(rules, first.who, later.who)
        )
          continue
        const more = moreOf(service, first, later)
        if (more === undefined) continue
        return [
          {
            kind: 'stricter-first',
            path: [section, index],
            what: `removing ${id} would give more: ${later.id} ${more} to whoever is in both; if they are to have it, put ${later.id} first`,
          },
        ]
      }
    }
  }
  return []
}

const moreByAsking = (service: Service, first: RequestRule, later: RequestRule): string | undefined => {
  for (const name of first.tiers) {
    if (!later.tiers.includes(name)) continue
    if (first.how === 'approval' && later.how === 'at once') return `gives "${name}" at once`
    const isRefused = later.how === 'approval' && tierOf(service, name)?.approvals === undefined
    if (later.ahead > first.ahead && !isRefused)
      return `gives "${name}" up to ${exactDuration(later.ahead)} ahead`
  }
  return undefined
}

const hows = ['offer', 'on acknowledge', 'auto'] as const
const hints = { offer: '', 'on acknowledge': 'on acknowledge', auto: 'at once' } as const

const moreByPage = (service: Service, first: PageRule, later: PageRule): string | undefined => {
  const [low, high] = [tierOf(service, first.give), tierOf(service, later.give)]
  // What needs approval here is put before those who approve, whatever the rule says.
  if (low === undefined || high === undefined || high.approvals !== undefined) return undefined
  if (!maySamePage(first, later)) return undefined
  if (low.approvals !== undefined) return `gives "${high.name}" without approval`
  if (hows.indexOf(later.how) > hows.indexOf(first.how)) return `gives "${high.name}" ${hints[later.how]}`
  if (high.rank > low.rank) return `gives "${high.name}"`
  if (later.for > first.for) return `gives "${high.name}" for ${exactDuration(later.for)}`
  if (later.cap > first.cap) return `gives "${high.name}" for up to ${exactDuration(later.cap)}`
  if (later.grace > first.grace) return `gives "${high.name}" for ${exactDuration(later.grace)} afterwards`
  return undefined
}

/** Whether a page may fit both. */
const maySamePage = (one: PageRule, other: PageRule): boolean =>
  (one.urgency === 'any' || other.urgency === 'any' || one.urgency === other.urgency) &&
  (one.priority === undefined ||
    other.priority === undefined ||
    one.priority.some((priority) => other.priority?.includes(priority))) &&
  (one.levels === undefined ||
    other.levels === undefined ||
    (one.levels.from <= other.levels.to && other.levels.from <= one.levels.to))
