import { formatDuration } from '../domain/duration.ts'
import type { Grant } from '../domain/grant.ts'
import { clockTime, code, quoted } from './slack-text.ts'

/** `operate on orders-svc until 14:05`. */
export const whatFor = (grant: Grant): string =>
  `*${grant.tier}* on ${grant.services.map(code).join(', ')} until ${clockTime(grant.until)}`

/** Why somebody holds a pass, as a half sentence. */
export const because = ({ why }: Grant): string => {
  if (why.kind === 'page') return `paged for incident #${why.incident.number} “${quoted(why.incident.title)}”`
  return why.reason === undefined ? 'asked for by hand' : `because ${quoted(why.reason)}`
}

/** To the incident channel, when a pass begins. */
export const grantGivenMessage = (grant: Grant): string =>
  `*${quoted(grant.who.name)}* has a pass: ${whatFor(grant)} (${formatDuration(grant.until - grant.from)}), ${because(grant)}. Pass ${code(grant.id)}.`
