import { percentile, round } from '../measure.ts'
import { approve } from './outcomes/kinds/approve.ts'
import { ask } from './outcomes/kinds/ask.ts'
import { close } from './outcomes/kinds/close.ts'
import { extend } from './outcomes/kinds/extend.ts'
import { page } from './outcomes/kinds/page.ts'
import { take } from './outcomes/kinds/take.ts'
import { type Kind, runRace } from './outcomes/race.ts'
import { startBots } from './outcomes/stack.ts'
import type { Proof } from './proof.ts'
import { randomFrom } from './random.ts'

const kinds = { take, approve, page, extend, close, ask } as const satisfies Record<string, Kind>
type KindName = keyof typeof kinds
const kindNames = Object.keys(kinds) as KindName[]

/** So many races at a time, each with people of its own. */
const lanes = 4
/** As many as each lane has in turn: one person asks only so often in an hour. */
const castsEach = 24
const told = 20

/**
 * Exactly one outcome each (I-07): clicks, commands, webhooks and their replays race on four bots and one Redis, and
 * what is stored and what people were told must fit together. `PROOF_SEED` repeats the choices, not the timing;
 * `PROOF_KIND` runs one kind only.
 */
export const proveOutcomes: Proof = async (trials, say) => {
  const seed = Number(process.env['PROOF_SEED'] ?? Date.now() % 1_000_000)
  const only = kindNames.find((name) => name === process.env['PROOF_KIND'])
  say(`PROOF_SEED=${seed}`)
  const violations: string[] = []
  const races = Object.fromEntries(kindNames.map((name) => [name, 0])) as Record<KindName, number>
  const outcomes = new Map<string, number>()
  let unavailable = 0
  let alike = 0
  let number = 0
  const violated = (what: string): void => {
    violations.push(what)
    if (violations.length <= told) say(`violation: ${what}`)
  }
  const stack = await startBots(lanes * castsEach, violated, say)
  try {
    const startedAt = performance.now()
    const lane = async (casts: typeof stack.casts): Promise<void> => {
      for (let turn = 0; number < trials; turn += 1) {
        number += 1
        const own = number
        const cast = casts[turn % casts.length] as (typeof casts)[number]
        const kind = only ?? (kindNames[own % kindNames.length] as KindName)
        const raced = await runRace(stack, kinds[kind], cast, randomFrom(seed * 100_003 + own), own)
        races[kind] += 1
        unavailable += raced.unavailable
        alike += raced.alike
        outcomes.set(`${kind}: ${raced.outcome}`, (outcomes.get(`${kind}: ${raced.outcome}`) ?? 0) + 1)
        for (const what of raced.violations) violated(`race ${own} (${kind}): ${what}`)
        if (own % 250 === 0) say(`${own} of ${trials} races, ${violations.length} violations`)
      }
    }
    const castsOf = (_: unknown, one: number) => stack.casts.filter((_, index) => index % lanes === one)
    await Promise.all(Array.from({ length: lanes }, castsOf).map(lane))
    const seconds = (performance.now() - startedAt) / 1_000
    for (const channel of stack.ears.doubled()) violated(`a click was answered twice in ${channel}`)
    const messages = stack.sent.reduce((sum, count) => sum + count, 0)
    // Races with such answers are judged by what is stored only; too many of them would prove too little.
    if (unavailable > messages / 100)
      violated(`${unavailable} of ${messages} messages got no answer to judge`)
    const most = [...outcomes].sort(([, a], [, b]) => b - a)
    say(
      most
        .slice(0, 40)
        .map(([what, count]) => `${String(count).padStart(6)}  ${what}`)
        .join('\n'),
    )
    return {
      violations,
      missed: [],
      seed,
      ...Object.fromEntries(kindNames.map((name) => [`races_${name}`, races[name]])),
      messages,
      messages_by_process: stack.sent,
      events: stack.history.events(),
      different_outcomes: outcomes.size,
      told_to_try_again: unavailable,
      told_twice_of_the_same: alike,
      races_per_second: round(trials / seconds),
      answer_p50_ms: round(percentile(stack.answerMs, 0.5)),
      answer_p99_ms: round(percentile(stack.answerMs, 0.99)),
      answer_max_ms: round(percentile(stack.answerMs, 1)),
    }
  } catch (error) {
    say(`the bots logged last:\n${stack.logs()}`)
    throw error
  } finally {
    await stack.stop()
  }
}
