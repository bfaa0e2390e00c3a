import type { Grant } from '#access/domain/grant.ts'
import type { Random } from '../random.ts'
import type { Cast } from './cast.ts'
import { faultsOf, type Life, twoAtOnce } from './history.ts'
import { type Message, meaningOf, type Said } from './messages.ts'
import type { Stack } from './stack.ts'

/** Something that happens in a race, `after` so many milliseconds (0). */
export type Shot = { readonly after?: number } & (
  | { readonly message: Message }
  /** A message about what is changed at that moment. */
  | { readonly make: () => Message }
  /** An operation in this process; what it resolves with counts as its answer. */
  | { readonly label: string; readonly run: () => Promise<string> }
)

export type Answered = { readonly label: string; readonly said: Said | string; readonly text: string }

/** What there was to be judged when all was over. */
export type Found = {
  readonly lives: readonly Life[]
  readonly answers: readonly Answered[]
  /** How many answers said this, to messages whose label starts so. */
  readonly count: (said: string, label?: string) => number
  /**
   * Somebody clicked twice, and two bots wrote the very same in the same millisecond, which the store takes for one write
   * that came twice: both were told that it is done. Counted, and no harm where doing it twice is doing it once.
   */
  readonly alike: (count: number) => void
}

export type Situation = {
  readonly shots: readonly Shot[]
  /** Tells what is wrong, in words. */
  readonly judge: (found: Found) => readonly (string | undefined)[]
}

export type Scene = {
  readonly stack: Stack
  readonly cast: Cast
  readonly random: Random
  readonly number: number
  /** Delivers a message before the race, to any bot, and waits until it has had its effect. */
  readonly first: (message: Message) => Promise<string>
  /** The only grant that these people have. */
  readonly only: () => Promise<Grant>
}

export type Kind = (scene: Scene) => Promise<Situation>

export type RaceResult = {
  readonly violations: string[]
  readonly unavailable: number
  readonly alike: number
  readonly outcome: string
}

/** Prepares a situation, lets everything happen at once, and judges what came of it. */
export const runRace = async (
  stack: Stack,
  kind: Kind,
  cast: Cast,
  random: Random,
  number: number,
): Promise<RaceResult> => {
  const subjects = new Set(Object.values(cast).map(({ subject }) => subject))
  const first = async (message: Message): Promise<string> => {
    const [answer] = await answersTo(stack, message, [await stack.send(message, random.below(stack.bots))])
    return answer?.text ?? ''
  }
  const only = async (): Promise<Grant> => {
    const [life, ...others] = await stack.history.of(subjects)
    if (life === undefined) throw new Error('there is no grant to race for')
    if (others.length > 0) throw new Error(`${others.length + 1} grants before the race`)
    return life.last
  }
  const { shots, judge } = await kind({ stack, cast, random, number, first, only })
  const answers = await fire(stack, shots, random)
  const lives = await stack.history.of(subjects)
  const unavailable = answers.filter(({ said }) => said === 'store-unavailable' || said === 'failed').length
  const count = (said: string, label = ''): number =>
    answers.filter((answer) => answer.said === said && answer.label.startsWith(label)).length
  let alike = 0
  const told = {
    lives,
    answers,
    count,
    alike: (more: number): void => {
      alike += more
    },
  }
  const faults = (await Promise.all(lives.map((life) => faultsOf(stack.redis, life)))).flat()
  // Whoever was told to try again may or may not have had an effect: only what is stored is judged then.
  const unfit = unavailable > 0 ? [] : [...strange(answers), ...judge(told)]
  const violations = [...faults, twoAtOnce(lives), ...unfit].filter((fault) => fault !== undefined)
  await endAll(stack, lives)
  stack.history.close(await stack.history.of(subjects))
  return {
    violations: violations.map((what) => `${what} (${wayOf(lives)} | ${wordsOf(answers)})`),
    unavailable,
    alike,
    outcome: outcomeOf(lives),
  }
}

/** In words, the same for races that came out the same. */
const outcomeOf = (lives: readonly Life[]): string =>
  lives
    .map(({ events, last, end }) => [last.state, `v${events.length}`, end?.cause ?? ''].join(' ').trim())
    .sort()
    .join(', ')

const wayOf = (lives: readonly Life[]): string =>
  lives
    .map(({ id, events }) => {
      const steps = events.map((event) => (event.kind === 'grant' ? event.grant.step : event.end.cause))
      return `${id} ${steps.join(' → ')}`
    })
    .join('; ')

const wordsOf = (answers: readonly Answered[]): string =>
  answers.map(({ label, said }) => `${label}: ${said}`).join(', ')

/** Everything at once, in any order, to any bots. Half of the races are spread over some milliseconds. */
const fire = async (stack: Stack, shots: readonly Shot[], random: Random): Promise<Answered[]> => {
  const spread = random.chance(0.5) ? random.below(16) : 0
  const bots = random.shuffled(Array.from({ length: stack.bots }, (_, bot) => bot))
  let next = 0
  const nextBot = (): number => {
    next += 1
    return bots[next % bots.length] ?? 0
  }
  const pause = (after = 0): Promise<unknown> | undefined => {
    const ms = after + (spread === 0 ? 0 : random.below(spread))
    return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined
  }
  const one = async (shot: Shot): Promise<Answered[]> => {
    if ('run' in shot) {
      await pause(shot.after)
      const text = await shot.run()
      return [{ label: shot.label, said: text, text }]
    }
    const made = 'make' in shot
    if (made) await pause(shot.after)
    const message = made ? shot.make() : shot.message
    const times = random.shuffled(Array.from({ length: message.replays + 1 }, () => nextBot()))
    const sending = times.map(async (bot) => {
      if (!made) await pause(shot.after)
      return stack.send(message, bot)
    })
    const failed = (error: Error): Answered[] => [
      { label: message.label, said: 'failed', text: error.message },
    ]
    return Promise.all(sending).then((bodies) => answersTo(stack, message, bodies), failed)
  }
  return (await Promise.all(random.shuffled(shots).map(one))).flat()
}

const answersTo = async (
  stack: Stack,
  { label, answered }: Message,
  bodies: readonly string[],
): Promise<Answered[]> => {
  if (answered.by === 'job') {
    const said = (await stack.jobs.whenDone(answered.job)) ? 'done' : 'not done'
    return [{ label, said, text: '' }]
  }
  const texts =
    answered.by === 'body' ? bodies.filter((text) => text !== '') : [await stack.ears.first(answered.channel)]
  const read = texts.map((text) => bodyText(text))
  return (read.length === 0 ? [''] : read).map((text) => ({ label, said: meaningOf(text), text }))
}

/** A command is answered with JSON. */
const bodyText = (body: string | undefined): string => {
  if (body === undefined || !body.startsWith('{')) return body ?? ''
  const { text } = JSON.parse(body) as { text?: unknown }
  return typeof text === 'string' ? text : ''
}

const strange = (answers: readonly Answered[]): string[] => {
  const odd = answers.filter(({ said }) => said === 'unknown' || said === 'nothing' || said === 'not done')
  const seen = new Set<string>()
  const twice = answers.filter(({ label }) => seen.has(label) || !seen.add(label))
  return [
    ...odd.map(({ label, said, text }) => `${label} was answered ${said}: "${text}"`),
    ...twice.map(({ label }) => `${label} was answered twice`),
  ]
}

/** What is left of a race must not be in the way of the next. */
const endAll = async ({ parts: { live, store } }: Stack, lives: readonly Life[]): Promise<void> => {
  await live.catchUp()
  await Promise.all(
    lives.map(async ({ id }) => {
      const grant = live.get(id)?.grant
      if (grant !== undefined) await store.end(grant, grant.state === 'active' ? 'revoked' : 'withdrawn')
    }),
  )
}
