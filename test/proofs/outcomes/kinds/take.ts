import type { Kind } from '../race.ts'

/** One offer: taken by clicks and by acknowledging, turned down, clicked by somebody else, and all of it again. */
export const take: Kind = async ({ stack, cast, random, number, first, only }) => {
  const { messages, incidents } = stack
  const { ana, cho } = cast
  const incident = incidents.trigger('PPAYMTS', [ana], number, 5_000)
  await first(messages.webhook('page', incident, 'triggered'))
  const offer = await only()
  const acknowledged = random.chance(0.7)
  const declined = random.chance(0.7)
  const taken = random.chance(0.85)
  if (acknowledged) incidents.acknowledge(incident, ana)
  return {
    shots: [
      ...(taken ? [messages.click('take 1', ana, 'take', offer, random.below(3))] : []),
      ...(taken && random.chance(0.6) ? [messages.click('take 2', ana, 'take', offer)] : []),
      ...(declined ? [messages.click('not me', ana, 'decline', offer, random.below(2))] : []),
      messages.click('take by another', cho, 'take', offer),
      ...(random.chance(0.4) ? [messages.click('not me by another', cho, 'decline', offer)] : []),
      ...(acknowledged ? [messages.webhook('acknowledge', incident, 'acknowledged', random.below(2))] : []),
      messages.webhook('page again', incident, 'triggered'),
    ].map((message) => ({ message })),
    judge: ({ lives, count, alike }) => {
      const [life, ...others] = lives
      if (life === undefined || others.length > 0) return [`${lives.length} grants for one page`]
      const last = life.events.at(-1)
      const step = last?.kind === 'grant' ? last.grant.step : last?.end.cause
      const wanted = { has: step === 'taken' ? 1 : 0, declined: step === 'withdrawn' ? 1 : 0 }
      // Acknowledging takes it too, and tells nobody.
      const twice = step === 'taken' && count('has') === 2
      if (twice) alike(1)
      const untold = step === 'taken' && acknowledged && count('has') === 0
      const decided = acknowledged || declined || taken
      return [
        life.events.length === (decided ? 2 : 1) ? undefined : `${life.events.length} versions of an offer`,
        untold || twice || count('has') === wanted.has
          ? undefined
          : `${step}: ${count('has')} were told that they have a pass`,
        count('declined') === wanted.declined
          ? undefined
          : `${step}: ${count('declined')} were told that they turned it down`,
        count('has', 'take by another') + count('declined', 'not me by another') === 0
          ? undefined
          : 'somebody else decided on the offer',
      ]
    },
  }
}
