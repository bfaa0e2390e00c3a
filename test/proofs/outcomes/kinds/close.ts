import { principalKey } from '#access/domain/principal.ts'
import type { Life } from '../history.ts'
import { byDatadog, byHand } from '../incidents.ts'
import type { Kind, Shot } from '../race.ts'

/** An incident that is taken, handed over, merged and resolved at once: what stands afterwards fits what it is then. */
export const close: Kind = async ({ stack, cast, random, number, first, only }) => {
  const { messages, incidents } = stack
  const { ana, cho, ben } = cast
  const service = random.pick(['PORDERS', 'PPAYMTS'] as const)
  const incident = incidents.trigger(service, [ana], number, 5_000)
  const parent = incidents.trigger(service, [random.pick([ben, cho, ana])], number, 5_000)
  await first(messages.webhook('page', incident, 'triggered'))
  const given = await only()
  if (random.chance(0.5)) await first(messages.webhook('page of the parent', parent, 'triggered'))

  let at = 0
  const change = (label: string, make: () => ReturnType<typeof messages.webhook> | undefined): Shot => {
    at += random.below(6)
    return { after: at, make: () => make() ?? messages.webhook(label, incident, 'priority_updated') }
  }
  const open = (): boolean => incident.status !== 'resolved'
  let acknowledged = false
  const changes = Array.from({ length: random.whole(1, 4) }, (_, index) => {
    const what = random.pick(['acknowledge', 'hand over', 'hand back', 'both'] as const)
    const label = `${index}: ${what}`
    return change(label, () => {
      if (!open()) return undefined
      acknowledged ||= what === 'acknowledge'
      if (what === 'acknowledge') incidents.acknowledge(incident, random.pick([ana, cho]))
      else
        incidents.reassign(incident, { 'hand over': [cho], 'hand back': [ana], both: [ana, cho] }[what], ben)
      const event = what === 'acknowledge' ? 'acknowledged' : 'reassigned'
      return messages.webhook(label, incident, event, random.below(2))
    })
  })
  const over = random.pick(['by hand', 'by itself', 'merged', 'open'] as const)
  const ending =
    over === 'open'
      ? []
      : [
          change(over, () => {
            const by = over === 'by itself' ? byDatadog(incident) : byHand(ben)
            incidents.resolve(incident, by, over === 'merged' ? parent.id : null)
            return messages.webhook(over, incident, 'resolved', random.below(2))
          }),
        ]
  const parentOver = over === 'merged' && random.chance(0.3)
  const parentEnding = parentOver
    ? [
        change('parent', () => {
          incidents.resolve(parent, byHand(ben))
          return messages.webhook('parent', parent, 'resolved')
        }),
      ]
    : []
  const offered = given.state === 'offered'
  return {
    shots: [
      ...changes,
      ...ending,
      ...parentEnding,
      ...(offered ? [{ message: messages.click('take', ana, 'take', given, random.below(2)) }] : []),
      ...(offered && random.chance(0.3)
        ? [{ message: messages.click('not me', ana, 'decline', given) }]
        : []),
      ...(!offered && random.chance(0.5)
        ? [{ message: messages.click('extend', ana, 'extend', given) }]
        : []),
      { message: messages.webhook('late page', incident, 'triggered') },
    ],
    judge: ({ lives, count }) => {
      const standing = lives.filter(({ end }) => end === undefined)
      const of = (id: string): Life[] =>
        standing.filter(({ last }) => last.why.kind === 'page' && last.why.incident.id === id)
      // Others take theirs by acknowledging only, which tells nobody.
      const taken = lives
        .filter(({ first: one }) => one.who.subject === ana.subject)
        .flatMap(({ events }) => events)
        .filter((event) => event.kind === 'grant' && event.grant.step === 'taken').length
      const paged = new Set(incident.assignments.map(({ user }) => user))
      const people = [ana, cho].map((person) => ({
        name: person.name,
        key: principalKey(person),
        paged: paged.has(person.pagerduty.user),
      }))
      const whose = ({ last }: Life): string => principalKey(last.who)
      return [
        // What she took by acknowledging, once for each time she was assigned, she was told by nobody.
        count('has') === taken || (acknowledged && count('has') < taken)
          ? undefined
          : `${taken} versions took it, and ${count('has')} were told so`,
        ...(over === 'by hand' || over === 'merged'
          ? of(incident.id).map(({ id }) => `${id} stands for an incident that is over (${over})`)
          : []),
        ...(over === 'by itself'
          ? of(incident.id)
              .filter(({ last }) => last.state !== 'active' || (last.ending === undefined && !last.kept))
              .map(({ id }) => `${id} goes on though an integration resolved its incident`)
          : []),
        ...(parentOver ? of(parent.id).map(({ id }) => `${id} stands for a parent that is over`) : []),
        ...(over === 'open'
          ? people.flatMap(({ name, key, paged: is }) => {
              const theirs = of(incident.id).filter((life) => whose(life) === key)
              // Who turned it down or was handed over and back within PagerDuty's second has none.
              if (!is) return theirs.map(({ id }) => `${id} stands for ${name}, who is not paged any more`)
              return theirs.length > 1 ? [`${name} has ${theirs.length} passes`] : []
            })
          : []),
      ]
    },
  }
}
