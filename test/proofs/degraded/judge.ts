/*
 * What may be let in while some of the others are down, in the words of the promise, and nothing of the product: it is no more
 * than with all of them up, for no longer than the tier says, counted from the last signed head.
 */

export const parts = ['redis', 'workers', 'bot', 'slack', 'pagerduty', 'idp'] as const
export type Part = (typeof parts)[number]

/** Who asks for what, again and again. */
export const probes = [
  'held',
  'beyond',
  'ended',
  'stranger',
  'asked',
  'paged',
  'standing',
  'locked',
  'approved',
  'unapproved',
] as const
export type ProbeName = (typeof probes)[number]

export type Tried = {
  readonly probe: ProbeName
  /** By the wall clock. */
  readonly sentAt: number
  readonly status: number
  /** Whether it reached the service. */
  readonly allowed: boolean
  /** Why it was refused, where a proxy said so. */
  readonly reason?: string | undefined
}

export type Outage = {
  readonly down: readonly Part[]
  /** Redis is there, and answers far too late: what is written to it counts, though nobody hears that it does. */
  readonly slow?: boolean
  readonly cutAt: number
  /** When the last head was signed that anybody can have heard of. */
  readonly lastHeadAt: number
  /** Milliseconds of the tier that is held. */
  readonly whenStale: number
  readonly tried: readonly Tried[]
  /** What the bot answered to somebody who asked for a pass meanwhile; undefined where nobody answered. */
  readonly said: string | undefined
  /** What the proxy's readiness said at the end. */
  readonly mode: string | undefined
}

/** Until it knows that it is cut off, a proxy that holds nothing of a rate that is shared may refuse a request for it. */
const noticedMs = 4_000
const refusing = 'can’t be changed right now'

const isRate = (status: number, afterMs: number): boolean => status === 429 && afterMs < noticedMs
/** A machine that stands still for half a second lets no record be written in time, or no service answer: nobody decided so. */
const isDisturbed = (reason: string | undefined, status: number): boolean =>
  status === 0 || ['audit-unavailable', 'upstream-failed', 'upstream-late'].includes(reason ?? '')

/** Heads are signed by any bot or worker that reaches Redis. */
export const headsStop = (down: readonly Part[]): boolean =>
  down.includes('redis') || (down.includes('bot') && down.includes('workers'))

export const judge = ({
  down,
  slow = false,
  cutAt,
  lastHeadAt,
  whenStale,
  tried,
  said,
  mode,
}: Outage): string[] => {
  const violations: string[] = []
  const isUp = (...all: readonly Part[]): boolean => all.every((part) => !down.includes(part))
  /** Redis has what is written to it, answers or not. */
  const isWritten = (...all: readonly Part[]): boolean => isUp(...all) && (slow || isUp('redis'))
  const noHeads = headsStop(slow ? down.filter((part) => part !== 'redis') : down)
  const closesAt = noHeads ? lastHeadAt + whenStale : Number.POSITIVE_INFINITY
  const mayBe: Readonly<Record<ProbeName, boolean>> = {
    held: true,
    standing: true,
    // Whoever asks is answered by a bot, and it is written to Redis; a page is nothing until PagerDuty confirmed it.
    asked: isWritten('bot'),
    paged: isWritten('bot', 'pagerduty'),
    // A click is a bot's to take, and written to Redis; what was asked before is no more than a question.
    approved: isWritten('bot'),
    unapproved: false,
    // They were before, and a standing rule is theirs.
    locked: false,
    beyond: false,
    ended: false,
    stranger: false,
  }
  for (const { probe, sentAt, status, allowed, reason } of tried) {
    const late = `${sentAt - cutAt} ms after the cut`
    if (allowed && !mayBe[probe]) violations.push(`${probe} was let in, ${late}`)
    else if (allowed && probe !== 'standing' && sentAt > closesAt)
      violations.push(`${probe} was let in ${sentAt - closesAt} ms after it was stale`)
    if (probe === 'standing' && !allowed && !isDisturbed(reason, status) && !isRate(status, sentAt - cutAt))
      violations.push(`a standing rule was answered ${status} (${reason ?? 'no reason'}), ${late}`)
  }
  if (isUp('bot') && !isUp('redis') && said?.includes(refusing) !== true)
    violations.push(`the bot did not say in words that it can't: ${said ?? 'nothing'}`)
  if (isUp('bot', 'redis') && (said === undefined || said.includes(refusing)))
    violations.push(`the bot could have given a pass, and said: ${said ?? 'nothing'}`)
  if (noHeads && (mode === 'in step' || mode === undefined))
    violations.push(`the proxy says that it is ${mode}`)
  return violations
}
