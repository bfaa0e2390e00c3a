import type { RuleSet } from '#access/domain/rule-set.ts'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { randomOf } from '../random.ts'
import type { Happened } from './history.ts'
import { createLife } from './life.ts'
import { admittedBy, beforeTheWord, isDoubtful, type Sabotage } from './oracle.ts'
import { type Answered, createProduct } from './product.ts'
import type { Provider } from './provider.ts'
import { randomWorld, textOf, type World } from './world.ts'

/** So many steps make a history, each something that happens and a request after it. */
export const stepsEach = 200

export type Told = {
  readonly history: number
  readonly steps: number
  readonly violations: readonly string[]
  /** How often each kind of answer came. */
  readonly answers: Readonly<Record<string, number>>
  /** The rules that the oracle can't do without, of those it was tried without. */
  readonly caught: readonly Sabotage[]
}

/** More than anybody forges in one history. */
const mostForged = 20
/** To read a rule set takes longer than a whole history, so that histories share these. */
const mostWorlds = 40
type Made = { readonly world: World; readonly rules: RuleSet }
const made = new Map<string, Made>()

const worldOf = (seed: number, number: number): Made => {
  const key = `${seed} ${number}`
  const known = made.get(key)
  if (known !== undefined) return known
  const world = randomWorld(randomOf(seed, `world ${number}`))
  const text = textOf(world)
  const parsed = parseRuleSet(text)
  if (!parsed.ok) throw new Error(`world ${number}: ${JSON.stringify(parsed.faults)}\n${text}`)
  const one = { world, rules: parsed.rules }
  made.set(key, one)
  return one
}

/**
 * Lives through one history. The seed and the history's number repeat it. `suspects` are rules that the oracle is asked
 * without, too, to see that somebody would notice.
 */
export const runHistory = async (
  seed: number,
  number: number,
  provider: Provider,
  steps = stepsEach,
  suspects: readonly Sabotage[] = [],
): Promise<Told> => {
  const random = randomOf(seed, `history ${number}`)
  const two = [worldOf(seed, random.below(mostWorlds)), worldOf(seed, random.below(mostWorlds))] as const
  const worlds = [two[0].world, two[1].world] as const
  const product = createProduct(
    two.map(({ rules }) => rules),
    provider,
  )
  const life = createLife(random, worlds)
  const history: Happened[] = []
  const violations: string[] = []
  const answers: Record<string, number> = {}
  const caught = new Set<Sabotage>()
  for (let step = 1; step <= steps; step += 1) {
    const { happened, asked } = life.next()
    for (const one of happened) {
      product.hear(one, asked.now)
      history.push(one)
    }
    // A request may be quicker than the checks of what it is admitted by.
    if (random.chance(0.7)) product.settle()
    const admitting = admittedBy(worlds, history, asked)
    let answered = await product.ask(asked)
    // What was taken first proved to be forged: asked again, they get in by what is left.
    for (let again = 0; again < mostForged && isUnproven(answered); again += 1)
      answered = await product.ask(asked)
    product.settle()
    const wrong = (bad?: Sabotage): string | undefined =>
      // It may not have looked at what came a moment ago.
      wrongIn(answered, admittedBy(worlds, history, asked, bad), history) &&
      wrongIn(answered, admittedBy(worlds, beforeTheWord(history, asked.now), asked, bad), history)
    const what = wrong()
    if (what !== undefined)
      violations.push(
        `history ${number}, step ${step}: ${what}: ${JSON.stringify(asked)}, product ${JSON.stringify(answered)}, oracle ${JSON.stringify(admitting)}`,
      )
    for (const bad of suspects) if (wrong(bad) !== undefined) caught.add(bad)
    const kind = answered.allow ? kindOf(answered.by) : answered.reason
    answers[kind] = (answers[kind] ?? 0) + 1
  }
  return { history: number, steps, violations, answers, caught: [...caught] }
}

const kindOf = (by: string): string =>
  by.startsWith('glass') ? 'by glass' : by.includes('-0') ? 'by pass' : 'standing'

const isUnproven = (answered: Answered): boolean => !answered.allow && answered.reason === 'grant-unverified'

const wrongIn = (
  answered: Answered,
  admitting: readonly string[],
  history: readonly Happened[],
): string | undefined => {
  if (answered.allow)
    return admitting.includes(answered.by) ? undefined : 'let in by what does not let them in'
  return admitting.every((id) => isDoubtful(history, id)) ? undefined : 'refused what lets them in'
}
