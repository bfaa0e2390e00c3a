import { checkAudit, checkTold } from '../journey/aftermath.ts'
import { runExpiry } from '../journey/expiry.ts'
import { type Round, runRound } from '../journey/round.ts'
import { percentile, round } from '../measure.ts'
import { type Stack, startStack } from '../running-stack.ts'
import type { Proof } from './proof.ts'

const aimPageMs = 500
const aimCutMs = 50
const expiryTrials = 5

/**
 * The whole way of a page against real processes: webhook, grant or offer, requests, streams and WebSockets, slash
 * commands, extension, revocation, merge, resolution, summary; at the end expiry with the workers stopped.
 */
export const proveJourney: Proof = async (trials, say) => {
  const violations: string[] = []
  const rounds: Round[] = []
  const stack = await startStack(say)
  try {
    for (let number = 1; number <= trials; number += 1) {
      const violated = (what: string): void => void violations.push(`round ${number}: ${what}`)
      rounds.push(await runRound(stack, number, violated))
      if (number % 10 === 0) say(`${number} of ${trials} rounds, ${violations.length} violations`)
    }
    say('waiting for the last messages …')
    await checkTold(stack, rounds, (what) => void violations.push(what))
    const late = await expiryWithoutWorkers(stack, violations)
    await checkAudit(stack, (what) => void violations.push(what))
    return result(rounds, late, violations)
  } catch (error) {
    for (const part of ['bot', 'workers', 'proxy'] as const) say(`${part} logged last:\n${stack.log(part)}`)
    throw error
  } finally {
    await stack.stop()
  }
}

const expiryWithoutWorkers = async (stack: Stack, violations: string[]): Promise<number[]> => {
  await stack.stopPart('workers')
  const late: number[] = []
  for (let trial = 1; trial <= expiryTrials; trial += 1) {
    late.push(await runExpiry(stack, (what) => void violations.push(`expiry ${trial}: ${what}`)))
  }
  return late
}

const result = (rounds: readonly Round[], expiryLate: readonly number[], violations: readonly string[]) => {
  const figures = (name: string, samples: readonly number[]) => ({
    [`${name}_p50_ms`]: round(percentile(samples, 0.5)),
    [`${name}_p99_ms`]: round(percentile(samples, 0.99)),
    [`${name}_max_ms`]: round(percentile(samples, 1)),
  })
  const page = rounds.flatMap(({ pageToAccess }) => pageToAccess ?? [])
  const cut = rounds.map(({ revokeAckToLastByte }) => revokeAckToLastByte)
  const missed: string[] = []
  if (!(percentile(page, 0.99) <= aimPageMs)) missed.push(`page_to_access_p99_ms <= ${aimPageMs}`)
  if (!(percentile(cut, 0.99) <= aimCutMs)) missed.push(`revoke_ack_to_last_byte_p99_ms <= ${aimCutMs}`)
  return {
    violations,
    missed,
    ...figures('page_to_access', page),
    ...figures(
      'taken_to_access',
      rounds.flatMap(({ takenToAccess }) => takenToAccess),
    ),
    ...figures('revoke_ack_to_last_byte', cut),
    ...figures(
      'revoke_sent_to_cut',
      rounds.map(({ revokeSentToCut }) => revokeSentToCut),
    ),
    ...figures(
      'command_answer',
      rounds.flatMap(({ commandAnswers }) => commandAnswers),
    ),
    ...figures(
      'resolve_to_cut',
      rounds.map(({ resolveToCut }) => resolveToCut),
    ),
    ...figures('expiry_to_cut_without_workers', expiryLate),
  }
}
