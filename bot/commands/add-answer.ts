import type { Refusal } from '#access/domain/decide-access.ts'
import { formatDuration } from '#access/domain/duration.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reasons } from '#access/domain/reasons.ts'
import { incidentText, onServices, tierOn, whatFor } from '#access/messages/pass-text.ts'
import { code, dayAndTime, fitting, plural, quoted } from '#access/messages/slack-text.ts'
import type { AddOutcome, NotAdded } from '#access/operations/add-people.ts'

/** A mention that is nobody of the directory, or a group that could not be read. Ids of Slack. */
export type Unknown = { readonly user: string } | { readonly group: string; readonly mend?: string }

const shown = { most: 40, bytes: 12_000 }

/** To the commander: who was added to what, and who was not, each with why. */
export const addedAnswer = (
  command: string,
  { incident, grants, not }: Exclude<AddOutcome, { refused: unknown }>,
  unknown: readonly Unknown[],
): string => {
  const title =
    grants.length === 0
      ? `Nobody was added to ${incidentText(incident)}.`
      : `Added to ${incidentText(incident)}: ${plural(new Set(grants.map(({ who }) => who.subject)).size, 'person', 'people')}. The message in the channel ends all of it.`
  const refused = [...not.map(notLine), ...unknown.map(unknownLine)]
  const lines = fitting([...grants.map(grantLine), ...refused], shown, (left) => `• and ${left} more`)
  const help = grants.length === 0 && refused.length === 0 ? [`See ${code(`${command} help`)}`] : []
  return [title, ...lines, ...help].join('\n')
}

const grantLine = (grant: Grant): string =>
  grant.state === 'active'
    ? `• *${quoted(grant.who.name, 100)}*: ${whatFor(grant)}. Pass ${code(grant.id)}`
    : `• *${quoted(grant.who.name, 100)}* waits for ${plural((grant.approvers?.count ?? 2) - 1, 'more approval')}: ${tierOn(grant)}. Request ${code(grant.id)}`

const notLine = ({ person, services, refusal }: NotAdded): string =>
  `• not *${quoted(person.name, 100)}* on ${onServices({ services: services.map(({ name }) => name) })}: ${whyNot(refusal)}`

const unknownLine = (one: Unknown): string =>
  'user' in one
    ? `• not <@${one.user}>: that Slack account is nobody’s in the directory.`
    : `• not the group ${code(one.group)}: Slack did not tell who is in it.${one.mend === undefined ? '' : ` To mend it: ${quoted(one.mend)}.`}`

/** The reasons speak to whoever asks; here it is about somebody else. */
const whyNot = ({ reason, tier, longest, because, until, hint }: Refusal): string => {
  switch (reason) {
    case 'own-request':
      return 'nobody adds themself.'
    case 'person-unknown':
      return 'the directory does not know them any more.'
    case 'person-inactive':
      return 'their account is not active.'
    case 'principal-locked':
      return 'they are locked out.'
    case 'not-eligible':
      return `the rules do not let them have *${tier}*.`
    case 'beyond-command':
      return `*${tier}* is more than a commander may give.`
    case 'tier-unknown':
      return `it has no such tier.${hint === undefined ? '' : ` Did you mean ${code(hint)}?`}`
    case 'duration-too-long':
      return `*${tier}* lasts ${formatDuration(longest ?? 0)} at most.`
    case 'ticket-needed':
      return `*${tier}* needs a reason with a ticket: because CHG-123 …`
    case 'frozen':
      return `*${tier}* is frozen${until === undefined ? '' : ` until ${dayAndTime(until)}`}: ${quoted(because ?? '')}`
    case 'nobody-to-approve':
      return `*${tier}* needs more approvals, and nobody else may give them.`
    case 'too-many-passes':
      return 'they hold as many passes as one person may.'
    case 'already-decided':
      return 'theirs was ended. Say it again with another reason to give it anew.'
    default:
      return reasons[reason].person
  }
}
