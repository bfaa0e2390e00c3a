import type { Kind } from '../race.ts'

/** One page, told eight times to all bots, with other events of the same incident: one pass for each paged person. */
export const page: Kind = async ({ stack, cast, random, number }) => {
  const { messages, incidents } = stack
  const { ana, cho, ben } = cast
  const auto = random.chance(0.5)
  const incident = incidents.trigger(auto ? 'PORDERS' : 'PPAYMTS', [ana], number, random.below(3_000))
  const acknowledged = random.chance(0.5)
  const both = !acknowledged && random.chance(0.5)
  const triggered = messages.webhook('page', incident, 'triggered', 7)
  if (both) incidents.reassign(incident, [ana, cho], ben)
  const later = acknowledged
    ? [
        {
          after: random.below(15),
          make: () => {
            incidents.acknowledge(incident, ana)
            return messages.webhook('acknowledge', incident, 'acknowledged')
          },
        },
      ]
    : []
  return {
    shots: [
      { message: triggered },
      { message: messages.webhook('priority', incident, 'priority_updated') },
      ...(both ? [{ message: messages.webhook('reassign', incident, 'reassigned') }] : []),
      ...later,
    ],
    judge: ({ lives }) => {
      const state = auto || acknowledged ? 'active' : 'offered'
      const wanted = both ? [ana, cho] : [ana]
      return [
        lives.length === wanted.length ? undefined : `${lives.length} grants for ${wanted.length} paged`,
        ...wanted.map(({ subject }) => {
          const hers = lives.filter(({ first }) => first.who.subject === subject)
          return hers.length === 1 ? undefined : `${hers.length} grants for ${subject}`
        }),
        ...lives.map(({ last, end }) =>
          last.state === state && end === undefined
            ? undefined
            : `${last.who.name} has ${last.state} ${end?.cause ?? ''}, wanted ${state}`,
        ),
      ]
    },
  }
}
