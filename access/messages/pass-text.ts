import { formatDuration } from '../domain/duration.ts'
import type { End, Grant } from '../domain/grant.ts'
import { reasons } from '../domain/reasons.ts'
import { type Moment, momentText } from '../domain/wall-time.ts'
import { clockTime, code, plural, quoted } from './slack-text.ts'

/** So many names fit wherever services are named. */
const shownServices = 8

/** Services by name, and how many more. */
export const onServices = ({ services }: Pick<Grant, 'services'>): string => {
  const shown = services.slice(0, shownServices).map(code).join(', ')
  const more = services.length - shownServices
  return more > 0 ? `${shown} and ${plural(more, 'more service')}` : shown
}

/** `operate on orders-svc`, and what is opened beside: `, observe on dashboards`. */
export const tierOn = ({ services, tier, also = [] }: Grant): string =>
  [{ services, tier }, ...also]
    .slice(0, shownServices)
    .map((one) => `*${quoted(one.tier, 63)}* on ${onServices(one)}`)
    .join(', ')

/** `operate on orders-svc until 14:05`; what was asked for ahead also says when it begins, and by whose clocks. */
export const whatFor = (grant: Grant): string =>
  grant.begins === undefined || grant.state !== 'active'
    ? `${tierOn(grant)} until ${clockTime(grant.until)}`
    : `${tierOn(grant)} from ${beginsText(grant.begins)} until ${beginsText({ ...grant.begins, at: grant.until })}`

const beginsText = (begins: Moment): string => `*${quoted(momentText(begins), 100)}*`

/** How long it is to be access: `4h`, or `4h from Sat 28 Nov 2026 22:00 Europe/Berlin`. */
export const lastingText = ({
  duration,
  begins,
}: {
  readonly duration: number
  readonly begins?: Moment | undefined
}): string => `${formatDuration(duration)}${begins === undefined ? '' : ` from ${beginsText(begins)}`}`

const shownNames = 10

/** People by name, and how many more. */
export const namesText = (people: readonly { readonly name: string }[]): string => {
  const shown = people.slice(0, shownNames).map(({ name }) => quoted(name, 100))
  const more = people.length - shownNames
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

/** Why somebody holds a pass, as a half sentence. */
export const because = ({ why }: Grant, longest = 300): string => {
  if (why.kind === 'page')
    return why.relieves === undefined
      ? `paged for ${incidentText(why.incident)}`
      : `on call for ${incidentText(why.incident)}${why.relieves.length === 0 ? '' : ` after ${namesText(why.relieves)}`}`
  if (why.kind === 'command')
    return `added to ${incidentText(why.incident)} by ${quoted(why.commander.name, 100)}${why.reason === undefined ? '' : `, because ${quoted(why.reason, longest)}`}`
  return why.reason === undefined ? 'asked for by hand' : `because ${quoted(why.reason, longest)}`
}

/** Why somebody asked by hand, as a sentence. */
export const reasonText = ({ why }: Grant): string =>
  why.kind !== 'page' && why.reason !== undefined ? `Reason: ${quoted(why.reason)}` : 'Asked for by hand.'

/** Whether it came with its holder's shift, and no page. */
export const isByShift = ({ why }: Pick<Grant, 'why'>): boolean =>
  why.kind === 'page' && why.relieves !== undefined

export const incidentText = (incident: { readonly number: number; readonly title: string }): string =>
  `incident #${incident.number} “${quoted(incident.title)}”`

/** Why a page did not give its pass by itself, as a sentence; nothing when it did. */
export const doubtText = ({ why }: Grant): string =>
  why.kind === 'page' && why.doubt !== undefined ? ` ${reasons[why.doubt].person}` : ''

const endWords = {
  expired: 'it ran out',
  revoked: 'it was revoked',
  'incident over': 'the incident ended',
  'handed over': 'the incident went to others',
  superseded: 'another pass covers it',
  denied: 'it was denied',
  withdrawn: 'it was taken back',
  lapsed: 'nobody decided in time',
  locked: 'they were locked out',
} as const

/** Why something ended, and by whom: `it was revoked by Ben Okafor`. */
export const endText = ({ cause, by }: End, { state }: Pick<Grant, 'state'>): string =>
  `${cause === 'withdrawn' && state === 'offered' ? 'it was turned down' : endWords[cause]}${by === undefined ? '' : ` by ${quoted(by.name, 100)}`}`

/** That a pass counts as less than it says, as the end of a sentence; nothing where it does not. */
export const narrowedText = (tiers: readonly string[]): string =>
  tiers.length === 0
    ? ''
    : `, but counts as ${tiers.map((tier) => `*${quoted(tier, 63)}*`).join(' or ')} for now: PagerDuty has not confirmed its incident for 15 minutes`

/** Where a pass stands, as one line of a message to a channel. `narrowed` are the tiers that it counts as instead of its own. */
export const standingText = (grant: Grant, end?: End, narrowed: readonly string[] = []): string => {
  const who = `*${quoted(grant.who.name, 100)}*`
  const pass = `Pass ${code(grant.id)}`
  if (end !== undefined) {
    const had = end.state === 'ended' ? 'had' : 'did not get'
    return `${who} ${had} ${tierOn(grant)}: ${endText(end, grant)}. ${pass}.`
  }
  const lasting = lastingText(grant)
  switch (grant.state) {
    case 'offered':
      return `${who} is offered ${tierOn(grant)} for ${lasting}.${doubtText(grant)} ${pass}.`
    case 'pending':
      return `${who} waits for an approval of ${tierOn(grant)} for ${lasting}.${doubtText(grant)} ${pass}.`
    case 'active':
      return `${who} has a pass: ${whatFor(grant)}${approvedText(grant)}${narrowedText(narrowed)}. ${pass}.`
  }
}

const approvedText = ({ approvals = [] }: Grant): string =>
  approvals.length === 0
    ? ''
    : `, approved by ${approvals
        .slice(0, 5)
        .map(({ name }) => quoted(name, 100))
        .join(' and ')}`

/** To the channel: somebody's shift has begun, and they have gone to work by their own pass. */
export const tookOverNotice = (grant: Grant, to: { readonly name: string }, isOver = false): string => {
  const [whose, other] = [quoted(grant.who.name, 100), quoted(to.name, 100)]
  const ends = isOver ? 'has ended' : `ends at ${clockTime(grant.until)}`
  return `*${other}* took over from *${whose}*: ${whose}’s pass ${code(grant.id)} ${ends}.`
}
