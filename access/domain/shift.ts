import type { Paged } from './incident.ts'

/** A time in which somebody is on call at one level of an escalation policy. Ids are PagerDuty's. */
export type OnCall = {
  readonly user: string
  readonly name: string
  readonly policy: string
  readonly level: number
  /** Undefined where the policy names the person itself: they have no shifts. */
  readonly schedule: string | undefined
  /** Milliseconds since the epoch; `until` is not included. Undefined: without a beginning, or an end. */
  readonly from: number | undefined
  readonly until: number | undefined
}

/** What a change of shift means for one open incident. */
export type ShiftChange = {
  /** Whose shift has begun since somebody was assigned whose own is over. */
  readonly incoming: readonly (Paged & { readonly schedule: string })[]
  /** PagerDuty users who were on call since then, and are no more, whoever is assigned. */
  readonly relieved: readonly string[]
}

export const noShiftChange: ShiftChange = { incoming: [], relieved: [] }

/**
 * Who took over from those whom an open incident is assigned to, by the schedule that each was on call by when they were
 * assigned. `all` are those of the incident's policy, since the first assignment. Whom a policy names itself, and whom it
 * was assigned to beside any schedule, nobody takes over from: a changed policy is no shift.
 */
export const shiftChangeOf = (
  assigned: readonly Pick<Paged, 'user' | 'at'>[],
  all: readonly OnCall[],
  now: number,
): ShiftChange => {
  const onCallNow = new Set(all.filter((one) => isAt(one, now)).map(({ user }) => user))
  const relieved = new Set<string>()
  const incoming = new Map<string, Paged & { readonly schedule: string }>()
  for (const { user, at } of assigned)
    for (const own of all) {
      const { schedule, until } = own
      if (own.user !== user || schedule === undefined || until === undefined) continue
      if (until > now || !isAt(own, at)) continue
      const after = all.filter((one) => isSameLine(one, own) && (one.from ?? until - 1) >= until)
      for (const one of [own, ...after]) if (!onCallNow.has(one.user)) relieved.add(one.user)
      for (const one of after) {
        const before = incoming.get(one.user)
        if (one.from === undefined || !isAt(one, now) || (before?.level ?? one.level + 1) <= one.level)
          continue
        incoming.set(one.user, { user: one.user, name: one.name, at: one.from, level: one.level, schedule })
      }
    }
  return { incoming: [...incoming.values()], relieved: [...relieved] }
}

const isAt = ({ from, until }: OnCall, at: number): boolean =>
  (from === undefined || from <= at) && (until === undefined || at < until)

const isSameLine = (one: OnCall, other: OnCall): boolean =>
  one.policy === other.policy && one.level === other.level && one.schedule === other.schedule

/**
 * Whom an incident reaches: those it is assigned to, and those whose shift has begun since. Whoever is both is reached
 * anew by their shift, as by another assignment. `from` and `planned` are the same for all of them.
 */
export const withIncoming = (
  paged: readonly Paged[],
  { incoming, relieved }: ShiftChange,
  isPlanned: (one: ShiftChange['incoming'][number]) => boolean,
): readonly Paged[] => {
  const reached = new Map(paged.map((one) => [one.user, one]))
  for (const one of incoming) {
    const { schedule: _, ...taking } = one
    const others = relieved.filter((user) => user !== one.user)
    reached.set(one.user, { ...taking, shift: { from: others, planned: isPlanned(one) } })
  }
  return [...reached.values()]
}
