import { servicesOf } from '../domain/decide-access.ts'
import type { Grant } from '../domain/grant.ts'
import type { Incident } from '../domain/incident.ts'
import { principalKey } from '../domain/principal.ts'
import { heldOf, letGo, moveTo, takeBack } from './end-with-incident.ts'
import { type FollowParts, servePage } from './serve-page.ts'

/**
 * Makes the passes follow an incident. What PagerDuty confirms now decides, not the event that led here: open and
 * assigned gives what the rules say, over or assigned away ends what it gave. Doing this twice, late or out of order
 * changes nothing.
 */
export const followIncident = async (parts: FollowParts, id: string): Promise<void> => {
  const incident = await parts.incidents.read(id)
  if (incident === undefined) return
  if (incident.status === 'resolved') return closeIncident(parts, incident)
  const changed = await Promise.all([
    ...servicesOf(parts.rules, incident).flatMap((service) =>
      incident.paged.map((paged) => servePage(parts, incident, service, paged)),
    ),
    letGoOfUnpaged(parts, incident),
  ])
  // It may have been resolved while the passes were written, and its own event handled before they were.
  if (!changed.includes(true)) return
  const after = await parts.incidents.read(id)
  if (after?.status === 'resolved') await closeIncident(parts, after)
}

const closeIncident = async (parts: FollowParts, incident: Incident): Promise<void> => {
  const { resolution } = incident
  if (resolution?.by === 'merge') {
    const parent = await parts.incidents.read(resolution.into)
    if (parent !== undefined && parent.status !== 'resolved') return moveTo(parts, incident, parent)
    if (parent?.resolution?.by === 'person') return letGo(parts, incident, 'incident over', false)
  }
  await letGo(parts, incident, 'incident over', resolution?.by !== 'person')
}

/** Whose pass comes from being paged, and is not any more: reassigned or escalated away. */
const letGoOfUnpaged = async (parts: FollowParts, incident: Incident): Promise<boolean> => {
  const paged = new Set(
    incident.paged.flatMap(({ user }) => {
      const person = parts.directory.byPagerDuty(user)
      return person === undefined ? [] : [principalKey(person)]
    }),
  )
  const isPaged = (grant: Grant): boolean =>
    paged.has(principalKey(grant.who)) || (grant.why.kind === 'page' && grant.why.mergedFrom !== undefined)
  await parts.live.catchUp()
  await takeBack(parts, incident, isPaged)
  const away = heldOf(parts.live, incident.id).some((held) => !isPaged(held.grant))
  if (away) await letGo(parts, incident, 'handed over', false, (grant) => !isPaged(grant))
  return away
}
