import { type Confirmation, mostUnconfirmed } from '../domain/confirmation.ts'
import { Fault } from '../domain/errors.ts'
import type { Grant } from '../domain/grant.ts'
import { markOf, needsWord, whatWasMissed } from '../domain/missed.ts'
import type { RuleSet } from '../domain/rule-set.ts'
import type { Clock, Directory, Glance, LiveGrants, OpenIncidents } from '../ports.ts'
import { isHeld } from './follow-incident.ts'
import { letGoBefore } from './serve-page.ts'

export type ReconcileParts = {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly live: LiveGrants
  readonly clock: Clock
  readonly openIncidents: OpenIncidents
  /** What was confirmed before; undefined where nothing ever was. */
  readonly before: () => Confirmation | undefined
  /** Has an incident followed as if a webhook had come. The same `mark` again changes nothing. */
  readonly follow: (incident: string, mark: string) => Promise<void>
  /** Tells everybody what PagerDuty confirmed. */
  readonly confirm: (confirmation: Confirmation) => Promise<void>
}

export type Reconciled = {
  readonly listed: number
  /** Whether everything that is open was listed. */
  readonly whole: boolean
  /** Incidents of which something had been missed. */
  readonly missed: number
  /** Incidents of passes that PagerDuty did not confirm. */
  readonly unconfirmed: number
}

/** Single incidents that are asked for in one run, and incidents that are followed: both by the oldest need. */
const mostLooks = 100
const mostFollowed = 100
const looksAtOnce = 4

/**
 * Compares what PagerDuty has open with what stands because of it, and has followed what differs, by the same path as a
 * webhook: what is given, moved or ended is decided there. Then tells which incidents PagerDuty confirmed. Two who do this
 * at once do no harm. Rejects where PagerDuty does not answer: nothing is confirmed then. Asks no more once `late`, and does
 * nothing more once `over`.
 */
export const reconcileIncidents = async (
  parts: ReconcileParts,
  over: AbortSignal,
  late: AbortSignal = over,
): Promise<Reconciled> => {
  const { rules, live, clock, openIncidents, follow, confirm } = parts
  const at = clock.now()
  const listed = await openIncidents.list(pagerDutyServices(rules), late)
  await live.catchUp()
  const grants = await byIncident(live, clock.now())
  const seen = new Map(listed.incidents.map((glance) => [glance.id, glance]))
  const judge = (glance: Glance) => judged(parts, glance, grants.get(glance.id) ?? [])

  // What a list does not show, or shows otherwise than passes have it, is asked for by itself.
  const doubtful = [...grants]
    .filter(([, all]) => all.some(needsWord))
    .map(([id]) => id)
    .filter((id) => {
      const glance = seen.get(id)
      return glance === undefined || judge(glance) === 'holds nobody'
    })
  const looked = await lookAt(parts, doubtful, late)

  const unconfirmed = new Set(doubtful.filter((id) => looked.get(id) === undefined))
  const due: { readonly id: string; readonly mark: string; readonly first: boolean }[] = []
  for (const [id, glance] of new Map([...seen, ...looked])) {
    const all = grants.get(id) ?? []
    const missed = glance === undefined ? 'holds nobody' : judge(glance)
    if (missed === 'nothing') continue
    if (missed === 'holds nobody') unconfirmed.add(id)
    due.push({ id, mark: markOf(glance?.state, all), first: missed === 'holds nobody' })
  }
  due.sort((a, b) => Number(b.first) - Number(a.first))
  for (const { id, mark } of due.slice(0, mostFollowed)) if (!over.aborted) await follow(id, mark)
  if (!over.aborted) await confirm(confirmationOf(parts, at, [...unconfirmed]))
  return {
    listed: listed.incidents.length,
    whole: listed.whole,
    missed: due.length,
    unconfirmed: unconfirmed.size,
  }
}

const pagerDutyServices = (rules: RuleSet): string[] => [
  ...new Set([...rules.services.values()].flatMap(({ pagerduty }) => pagerduty)),
]

/** What stands because of incidents. What somebody forged asks nothing of PagerDuty. */
const byIncident = async (live: LiveGrants, now: number): Promise<Map<string, Grant[]>> => {
  const found = new Map<string, Grant[]>()
  for (const held of live.all()) {
    const { why, until } = held.grant
    if (!('incident' in why) || until <= now || !(await live.genuine(held))) continue
    const all = found.get(why.incident.id) ?? []
    all.push(held.grant)
    found.set(why.incident.id, all)
  }
  return found
}

const judged = ({ rules, directory }: ReconcileParts, glance: Glance, grants: readonly Grant[]) =>
  whatWasMissed(
    rules,
    glance,
    [...rules.services.values()]
      .filter(({ pagerduty }) => pagerduty.includes(glance.service))
      .map(({ name }) => name),
    grants,
    {
      personOf: directory.byPagerDuty,
      isHeld: (grant) => isHeld({ directory }, glance, grant),
      letGoBefore,
    },
  )

/**
 * Asks for incidents one by one, those first that were confirmed the longest ago. `undefined` in the map: PagerDuty knows
 * no such incident. What is not in it was not asked for, or not answered.
 */
const lookAt = async (
  { openIncidents, before }: ReconcileParts,
  all: readonly string[],
  late: AbortSignal,
): Promise<Map<string, Glance | undefined>> => {
  const last = new Map((before()?.except ?? []).map(({ incident, at }) => [incident, at]))
  const waiting = [...all]
    .sort((a, b) => (last.get(a) ?? Number.MAX_VALUE) - (last.get(b) ?? Number.MAX_VALUE))
    .slice(0, mostLooks)
  const found = new Map<string, Glance | undefined>()
  let refused = false
  const lookOn = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined && !refused && !late.aborted; id = waiting.shift()) {
      try {
        found.set(id, await openIncidents.look(id))
      } catch (error) {
        // One that can't be read says nothing of the others; too many calls do.
        refused = error instanceof Fault && 'retryAfterMs' in error && error.retryAfterMs !== undefined
      }
    }
  }
  await Promise.all(Array.from({ length: looksAtOnce }, lookOn))
  return found
}

/** Too many that are not confirmed are as bad as none that is: the time stays what it was. */
const confirmationOf = (
  { rules, before }: ReconcileParts,
  at: number,
  unconfirmed: readonly string[],
): Confirmation => {
  const known = before()
  if (unconfirmed.length > mostUnconfirmed)
    throw new Fault(
      'pagerduty/failed',
      `PagerDuty does not confirm ${unconfirmed.length} incidents of passes`,
    )
  const last = new Map((known?.except ?? []).map((one) => [one.incident, one.at]))
  return {
    environment: rules.environment,
    at,
    except: unconfirmed.map((incident) => ({ incident, at: last.get(incident) ?? known?.at ?? 0 })),
  }
}
