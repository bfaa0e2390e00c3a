import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { modelAnswer, productAnswer, type Question, written } from './compare.ts'
import type { RequestQuestion } from './interpreter.ts'
import { type Random, randomOf } from './random.ts'
import { type Aims, aimsOf, randomAgain, randomAsk, randomPage, randomRequest } from './random-questions.ts'
import { randomRuleSet } from './random-rule-set.ts'

/** Questions that are put to each rule set. */
export const questionsEach = 250

export type Disagreement = {
  readonly set: number
  readonly number: number
  readonly question: string
  readonly product: string
  readonly model: string
  readonly text: string
}
export type Told = {
  readonly pairs: number
  readonly invalid: readonly { readonly set: number; readonly faults: string; readonly text: string }[]
  readonly disagreements: readonly Disagreement[]
  /** How often each kind of answer came. */
  readonly answers: Readonly<Record<string, number>>
}

/** Puts questions to one random rule set, and to the model by its words. The seed and the set's number repeat it. */
export const tryRuleSet = (seed: number, set: number, questions = questionsEach): Told => {
  const random = randomOf(seed, set)
  const { file, text } = randomRuleSet(random)
  const parsed = parseRuleSet(text)
  if (!parsed.ok) {
    const faults = parsed.faults.map(({ line, what }) => `${line}: ${what}`).join('; ')
    return { pairs: 0, invalid: [{ set, faults, text }], disagreements: [], answers: {} }
  }
  const aims = aimsOf(file)
  const disagreements: Disagreement[] = []
  const answers: Record<string, number> = {}
  let before: RequestQuestion | undefined
  for (let number = 0; number < questions; number += 1) {
    const question = randomQuestion(random, aims, before)
    if (question.kind === 'request') before = question.question
    const model = modelAnswer(file, question)
    const said = [
      written(productOrFault(() => productAnswer(parsed.rules, question))),
      written(model),
    ] as const
    const kind = kindOf(question, model)
    answers[kind] = (answers[kind] ?? 0) + 1
    if (said[0] === said[1]) continue
    disagreements.push({ set, number, question: written(question), product: said[0], model: said[1], text })
  }
  return { pairs: questions, invalid: [], disagreements, answers }
}

const productOrFault = (answer: () => unknown): unknown => {
  try {
    return answer()
  } catch (error) {
    return { threw: String(error) }
  }
}

const randomQuestion = (random: Random, aims: Aims, before: RequestQuestion | undefined): Question => {
  const kind = random.pick(['request', 'request', 'ask', 'page'] as const)
  if (kind === 'request' && before !== undefined && random.chance(0.5))
    return { kind, question: randomAgain(random, aims, before) }
  if (kind === 'request') return { kind, question: randomRequest(random, aims) }
  if (kind === 'ask') return { kind, question: randomAsk(random, aims) }
  return { kind, question: randomPage(random, aims) }
}

const kindOf = ({ kind }: Question, answer: Readonly<Record<string, unknown>>): string => {
  const { allow, give, state, reason, doubt, by } = answer
  const how = allow === true ? `allow by ${String(by).includes(' ') ? 'standing' : 'pass'}` : reason
  return `${kind}: ${give === true ? [state, doubt].filter(Boolean).join(' ') : how}`
}
