import type { Grant } from './grant.ts'

/** When those who may decide are asked again, or others, too. `at` is in milliseconds since the epoch. */
export type QuestionTime = { readonly at: number; readonly what: 'ask again' | 'ask others' | 'ask last' }

const againAfterMs = 900_000
const lastAheadMs = 3_600_000

/**
 * When what somebody asked for, and nobody has decided, is brought up again: after a quarter of an hour or half of the time
 * until others are asked or it lapses, when others are asked, and, where it stands for long, an hour before it lapses.
 */
export const questionTimes = ({ at, until, approvers }: Grant): QuestionTime[] => {
  const others = approvers?.escalate?.at
  const next = Math.min(others ?? until, until)
  const all: QuestionTime[] = [
    { at: at + Math.min(againAfterMs, Math.floor((next - at) / 2)), what: 'ask again' },
  ]
  if (others !== undefined && others < until) all.push({ at: others, what: 'ask others' })
  const last = until - lastAheadMs
  if (last > (all.at(-1)?.at ?? 0) + againAfterMs) all.push({ at: last, what: 'ask last' })
  return all
}
