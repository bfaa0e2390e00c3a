import { exactDuration } from '../../domain/duration.ts'
import { reasonDemands, type Tier } from '../../domain/tier.ts'
import type { Terms } from '../own-tiers.ts'
import type { Part, Report } from '../rule-file.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'

type Term = 'approvals' | 'sign_in' | 'when_stale' | 'reason' | 'proxy_only'

/** What a tier may not ask less of than those it includes, and the words for one that does. */
type Demand = {
  readonly term: Term
  /** Where within the term it is said. */
  readonly part?: string
  /** Whether the higher tier asks less. */
  readonly isLess: (low: Tier, high: Tier) => boolean
  /** What else a tier must ask for this to be about it. */
  readonly isAbout?: (tier: Tier) => boolean
  /** `to` is where the higher tier is to say it: nothing, or ` here`. */
  readonly words: (low: Tier, high: Tier, to: string) => string
}

const approved = ({ approvals }: Tier): boolean => approvals !== undefined
/** The sets that may approve the higher tier, and not the lower one. */
const others = (low: Tier, high: Tier): string[] =>
  (high.approvals?.from ?? []).filter((people) => !low.approvals?.from.includes(people))
const rising =
  (asks: (tier: Tier) => number) =>
  (low: Tier, high: Tier): boolean =>
    asks(high) < asks(low)

const demands: readonly Demand[] = [
  {
    term: 'approvals',
    part: 'count',
    isLess: rising(({ approvals }) => approvals?.count ?? 0),
    words: (low, high, to) => {
      const count = low.approvals?.count ?? 0
      return high.approvals === undefined
        ? `"${low.name}" needs approval; give "${high.name}" "approvals"${to}, too`
        : `"${low.name}" needs ${count} approvals, and "${high.name}" ${high.approvals.count}; give "${high.name}" a "count" of ${count}${to}, too`
    },
  },
  {
    term: 'approvals',
    part: 'from',
    isAbout: approved,
    isLess: (low, high) => approved(low) && others(low, high).length > 0,
    words: (low, high, to) =>
      `${others(low, high).join(', ')} may not approve "${low.name}"; name in "from" of "${high.name}"${to} only sets that may (${low.approvals?.from.join(', ')})`,
  },
  {
    term: 'approvals',
    part: 'distinct',
    isAbout: approved,
    isLess: rising(({ approvals }) => (approvals?.distinct ? 1 : 0)),
    words: (low, high, to) =>
      `"${low.name}" needs approvals from distinct teams; give "${high.name}" "distinct: teams"${to}, too`,
  },
  {
    term: 'approvals',
    part: 'sign_in',
    isAbout: approved,
    isLess: (low, high) => {
      const [less, more] = [low.approvals?.signIn, high.approvals?.signIn]
      if (less === undefined) return false
      return (
        more === undefined || more.maxAge > less.maxAge || (less.acr !== undefined && more.acr === undefined)
      )
    },
    words: (low, high, to) => {
      const { acr, maxAge } = low.approvals?.signIn ?? {}
      const said = `{ ${acr === undefined ? '' : `acr: ${JSON.stringify(acr)}, `}max_age: ${exactDuration(maxAge ?? 0)} }`
      return `approvers of "${low.name}" sign in anew; give the approvals of "${high.name}"${to} at least sign_in: ${said}, too`
    },
  },
  {
    term: 'sign_in',
    part: 'acr',
    isLess: rising(({ signIn }) => (signIn?.acr === undefined ? 0 : 1)),
    words: (low, high, to) =>
      `"${low.name}" takes only sign-ins of the class "${low.signIn?.acr}"; give "${high.name}" an "acr" in "sign_in"${to}, too`,
  },
  {
    term: 'sign_in',
    part: 'max_age',
    isLess: rising(({ signIn }) => (signIn?.maxAge === undefined ? 0 : 1 / signIn.maxAge)),
    words: (low, high, to) => {
      const most = exactDuration(low.signIn?.maxAge ?? 0)
      const least = high.signIn?.maxAge
      return least === undefined
        ? `"${low.name}" takes no sign-in older than ${most}; give "${high.name}" a "max_age" in "sign_in"${to}, too`
        : `"${low.name}" takes no sign-in older than ${most}, and "${high.name}" none older than ${exactDuration(least)}; give "${high.name}" a "max_age" of ${most} or less${to}`
    },
  },
  {
    term: 'when_stale',
    isLess: rising(({ whenStale }) => 1 / whenStale),
    words: (low, high, to) =>
      `"${low.name}" closes after ${exactDuration(low.whenStale)}, and "${high.name}" only after ${exactDuration(high.whenStale)}; give "${high.name}" a "when_stale" of ${exactDuration(low.whenStale)} or less${to}`,
  },
  {
    term: 'reason',
    isLess: rising(({ reason }) => reasonDemands.indexOf(reason)),
    words: (low, high, to) =>
      `"${low.name}" has "reason: ${low.reason}", and "${high.name}" "${high.reason}"; give "${high.name}" "reason: ${low.reason}"${to}, too`,
  },
  {
    term: 'proxy_only',
    isLess: rising(({ proxyOnly }) => (proxyOnly ? 1 : 0)),
    words: (low, high, to) =>
      `"${low.name}" is "proxy_only"; give "${high.name}" "proxy_only: true"${to}, too`,
  },
]

/** What is said of one tier in one place: in common, by a profile or by a service. */
export type Saying = {
  readonly path: YamlPath
  readonly terms: (tier: string) => Terms | undefined
}

/**
 * Reports each tier of a service that asks less than one it includes, where that is said: at its own term, or at the
 * lower tier's where that one goes beyond what is common. `sayings` go from the common one to the service's own; `told`
 * remembers what services share, so that it is said once.
 */
export const checkRising = (
  tiers: readonly Tier[],
  sayings: readonly Saying[],
  told: Set<string>,
  report: Report,
): void => {
  for (const demand of demands) {
    let strictest: Tier | undefined
    for (const tier of tiers) {
      if (demand.isAbout?.(tier) === false) continue
      if (strictest !== undefined && demand.isLess(strictest, tier)) {
        const { path, part, to } = placeOf(demand, strictest, tier, sayings)
        const id = JSON.stringify([path, part, demand.term, demand.part])
        if (!told.has(id))
          report(
            path,
            `"${tier.name}" includes "${strictest.name}", so it may not ask less: ${demand.words(strictest, tier, to)}`,
            part,
          )
        told.add(id)
      } else strictest = tier
    }
  }
}

const placeOf = (
  { term, part }: Demand,
  low: Tier,
  high: Tier,
  sayings: readonly Saying[],
): { readonly path: YamlPath; readonly part?: Part; readonly to: string } => {
  const levelOf = ({ name }: Tier): number => {
    const ofPart = sayings.findLastIndex(({ terms }) => saysPart(terms(name)?.[term], part))
    return ofPart !== -1 ? ofPart : sayings.findLastIndex(({ terms }) => terms(name)?.[term] !== undefined)
  }
  const [lower, higher] = [levelOf(low), levelOf(high)]
  const isOverridden = lower > Math.max(0, higher)
  const { path } = sayings[isOverridden ? lower : Math.max(0, higher)] as Saying
  const tier = [...path, (isOverridden ? low : high).name]
  if (!isOverridden && higher === -1) return { path: tier, part: 'key', to: '' }
  return { path: [...tier, term, ...(part === undefined ? [] : [part])], to: isOverridden ? ' here' : '' }
}

const saysPart = (said: unknown, part: string | undefined): boolean =>
  part !== undefined &&
  typeof said === 'object' &&
  said !== null &&
  Object.entries(said).some(([name, value]) => name === part && value !== undefined)
