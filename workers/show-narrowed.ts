import { narrowedTo } from '#access/domain/narrowed.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { Clock, LiveGrants } from '#access/ports.ts'
import type { Tell } from './outbox/tell.ts'

/**
 * Has the live message say it when a pass counts as less because PagerDuty does not confirm its incident, and when it counts
 * for what it is again: no event says so. Gives back what there is to do.
 */
export const createShowNarrowed = (
  rules: RuleSet,
  live: Pick<LiveGrants, 'all' | 'confirmedUntil'>,
  tell: Pick<Tell, 'narrowed'>,
  clock: Clock,
) => {
  let narrowed: ReadonlySet<string> | undefined

  return (): (() => Promise<void>)[] => {
    const now = clock.now()
    const paged = [...live.all()].map(({ grant }) => grant).filter(({ why }) => why.kind === 'page')
    const before = narrowed
    const is = new Set(
      paged
        .filter((grant) => narrowedTo(rules, grant, live.confirmedUntil(grant), now).length > 0)
        .map(({ id }) => id),
    )
    narrowed = is
    // What another worker showed before this one took over is not known here. A message that says so already is left alone.
    const changed = paged.filter(({ id }) => before === undefined || before.has(id) !== is.has(id))
    return changed.map((grant) => () => tell.narrowed(grant, now))
  }
}
