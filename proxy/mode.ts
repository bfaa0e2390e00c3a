import type { RuleSet } from '#access/domain/rule-set.ts'
import type { View } from '#access/domain/view.ts'

export const modes = ['starting', 'in step', 'stale', 'standing rules only'] as const

/** How this proxy gets on without the others, and which tiers are closed by now, of some service or of all. */
export type Mode = { readonly mode: (typeof modes)[number]; readonly closed: readonly string[] }

/**
 * Passes count as long as the view is new enough for their tier, of each service by its own terms. Standing rules and egress
 * need no view.
 */
export const createModeOf = ({ services }: Pick<RuleSet, 'services'>, freshMs: number) => {
  const soonest = new Map<string, number>()
  let latest = 0
  for (const { tiers } of services.values())
    for (const { name, whenStale } of tiers) {
      soonest.set(name, Math.min(soonest.get(name) ?? Number.POSITIVE_INFINITY, whenStale))
      latest = Math.max(latest, whenStale)
    }
  const tiers = [...soonest]
  return (view: Pick<View, 'ready' | 'age'>, now: number): Mode => {
    const age = view.age(now)
    if (!view.ready()) return { mode: 'starting', closed: tiers.map(([name]) => name) }
    if (age < freshMs) return { mode: 'in step', closed: [] }
    const closed = tiers.filter(([, whenStale]) => !(age <= whenStale)).map(([name]) => name)
    return { mode: age <= latest ? 'stale' : 'standing rules only', closed }
  }
}
