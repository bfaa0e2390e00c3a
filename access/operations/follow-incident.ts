import { servicesOf } from '../domain/decide-access.ts'
import { type Grant, mergedFromOf } from '../domain/grant.ts'
import type { Incident } from '../domain/incident.ts'
import { principalKey } from '../domain/principal.ts'
import { endDoubles, letGo, moveTo, takeBack } from './end-with-incident.ts'
import { isRelieved, relieve } from './relieve.ts'
import { type FollowParts, servePage } from './serve-page.ts'

/** So often it is read anew, because it may have changed while the passes were made to fit it. */
const mostReads = 5

/**
 * Makes the passes follow an incident. What PagerDuty confirms now decides, not the event that led here: open and
 * assigned gives what the rules say, over or assigned away ends what it gave. Doing this twice, late or out of order
 * changes nothing. `used` is a pass of it that a request has gone through by: it may end others'.
 */
export const followIncident = async (parts: FollowParts, id: string, used?: string): Promise<void> => {
  for (let time = 0; time < mostReads; time += 1) {
    const incident = await parts.incidents.read(id)
    // Nobody says that it is over, nor that it is not: its passes end unless their holders keep them.
    if (incident === undefined) return void (await letGo(parts, { id }, 'incident over', true))
    if (incident.status === 'resolved') return closeIncident(parts, incident)
    if (used !== undefined) await relieve(parts, incident, used)
    // It may have been resolved or reassigned meanwhile, and its own event handled before this was written.
    if (!(await followOpen(parts, incident))) return
  }
}

/** Tells whether anything was changed. */
const followOpen = async (parts: FollowParts, incident: Incident): Promise<boolean> => {
  // Before anything new is given: what can be taken back is not given anew.
  const back = await takeBackPaged(parts, incident)
  const changed = await Promise.all([
    ...servicesOf(parts.rules, incident).flatMap((service) =>
      incident.paged.map((paged) => servePage(parts, incident, service, paged)),
    ),
    letGo(parts, incident, 'handed over', false, (grant) => !isHeld(parts, incident, grant)),
  ])
  return (await endDoubles(parts, incident.id)) || back || changed.includes(true)
}

const closeIncident = async (parts: FollowParts, incident: Incident): Promise<void> => {
  const last = await lastOf(parts, incident)
  if (last !== undefined && last.status !== 'resolved') {
    await moveTo(parts, incident, last)
    // It may be over by now, and its own event handled before anything was moved to it.
    return followIncident(parts, last.id)
  }
  await letGo(parts, incident, 'incident over', last?.resolution?.by !== 'person')
}

const mostMerges = 10

/** Where an incident went on, through every merge; undefined where that can't be known. */
const lastOf = async ({ incidents }: FollowParts, incident: Incident): Promise<Incident | undefined> => {
  const seen = new Set<string>()
  let last: Incident | undefined = incident
  while (last?.resolution?.by === 'merge') {
    if (seen.has(last.id) || seen.size === mostMerges) return undefined
    seen.add(last.id)
    last = await incidents.read(last.resolution.into)
  }
  return last
}

/**
 * Whether the incident still holds it: its holder is paged, or was on call for it until the shift changed, or it came with a
 * merge, a hand over or its commander.
 */
export const isHeld = (
  parts: Pick<FollowParts, 'directory'>,
  incident: Pick<Incident, 'paged' | 'relieved'>,
  grant: Grant,
): boolean =>
  isPaged(parts, incident, grant) ||
  isRelieved(parts, incident, grant) ||
  isMerged(grant) ||
  isHandedOver(grant) ||
  isCommandersOwn(grant)

export const isPaged = (
  { directory }: Pick<FollowParts, 'directory'>,
  incident: Pick<Incident, 'paged'>,
  { who }: Grant,
): boolean =>
  incident.paged.some(({ user }) => {
    const person = directory.byPagerDuty(user)
    return person !== undefined && principalKey(person) === principalKey(who)
  })

/** What came with a merge is held by the incident, whoever is paged. */
const isMerged = (grant: Grant): boolean => mergedFromOf(grant) !== undefined

/** Nor is who was paged what holds what a commander gave. */
const isCommandersOwn = ({ why }: Grant): boolean => why.kind === 'command'

/** Nor is who was paged what holds a pass that came by a hand over. */
const isHandedOver = ({ why }: Grant): boolean => why.kind === 'page' && why.doubt === 'page-by-hand-over'

/** What the incident had let go of is its again, unless its holder brought that about. */
const takeBackPaged = (parts: FollowParts, incident: Incident): Promise<boolean> =>
  takeBack(
    parts,
    incident,
    (grant) =>
      // Who was relieved has it back only by another assignment, or another shift: as another pass.
      grant.ending?.to === undefined &&
      !mayBeSelf(parts, incident, grant) &&
      (isPaged(parts, incident, grant) ||
        ((isMerged(grant) || isCommandersOwn(grant)) && grant.ending?.cause === 'incident over')),
  )

/**
 * Whoever reopened it or took it back by hand gets nothing automatic from that, nor under an account nobody knows, nor
 * where too much happened to know who did it.
 */
const mayBeSelf = ({ directory }: FollowParts, incident: Incident, { who }: Grant): boolean =>
  incident.trigger.kind === 'unknown' ||
  incident.shapedBy.some((user) => {
    const person = directory.byPagerDuty(user)
    return person === undefined || principalKey(person) === principalKey(who)
  })
