import type { Kind } from '../race.ts'

/** The same pass is asked for six times at once by one person: there is one, and all answers name it. */
export const ask: Kind = async ({ stack, cast, random }) => {
  const { messages } = stack
  const { ana } = cast
  const tier = random.pick(['observe', 'operate', 'admin', 'root'])
  const asked = `grant ${random.pick(['auto-svc', 'offer-svc'])} 1h ${tier} because race`
  const times = random.whole(4, 6)
  return {
    shots: Array.from({ length: times }, (_, index) => ({
      message: messages.command(`ask ${index}`, ana, asked, random.below(2)),
    })),
    judge: ({ lives, answers }) => {
      const [life, ...others] = lives
      if (life === undefined || others.length > 0) return [`${lives.length} grants for one ask`]
      const wrong = answers.filter(({ text }) => !text.includes(life.id))
      const said = life.first.state === 'pending' ? 'asked' : 'has'
      return [
        life.events.length === 1 ? undefined : `${life.events.length} versions`,
        wrong.length === 0 ? undefined : `${wrong.length} answers name another pass, or none`,
        answers.every((answer) => answer.said === said) ? undefined : 'not all were told the same',
      ]
    },
  }
}
