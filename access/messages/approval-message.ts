import type { End, Grant } from '../domain/grant.ts'
import type { Principal } from '../domain/principal.ts'
import { type Rendered, withButtons, withoutButtons } from './blocks.ts'
import { because, doubtText, endText, lastingText, namesText, tierOn, whatFor } from './pass-text.ts'
import { clockTime, code, quoted } from './slack-text.ts'

/** As long as a reason may be: whoever decides on it reads all of it. */
const longestReason = 500

/** To one of those who may decide: what somebody asks for, and why. */
export const approvalMessage = (grant: Grant, end: End | undefined, to: Principal): Rendered => {
  const what = `*${quoted(grant.who.name, 100)}* asks for ${tierOn(grant)} for ${lastingText(grant)}, ${because(grant, longestReason)}.`
  if (end !== undefined) return withoutButtons(`${what} It is over: ${endText(end, grant)}.`)
  if (grant.state === 'active')
    return withoutButtons(`${what} ${approvedBy(grant)} They have ${whatFor(grant)}. Pass ${code(grant.id)}.`)
  const others = (grant.approvers?.count ?? 1) - (grant.approvals?.length ?? 0)
  const more = others > 1 ? ` It takes ${others} more approvals.` : ''
  return withButtons(
    `${what}${doubtText(grant)}${more} Decide before ${grant.begins === undefined ? clockTime(grant.until) : 'it begins'}.`,
    grant,
    to,
    [
      { action: 'approve', text: 'Approve', style: 'primary' },
      { action: 'deny', text: 'Deny', style: 'danger' },
    ],
  )
}

const approvedBy = ({ approvals = [] }: Grant): string => {
  const last = approvals.at(-1)
  return last === undefined ? '' : `${quoted(last.name, 100)} approved it.`
}

/** To the incident channel: a page that others have to decide on, so that it is not overlooked. */
export const waitingNotice = (grant: Grant, askedPeople: number): string => {
  const asked =
    askedPeople === 0
      ? 'Nobody who may approve it is known: tell the owners of the service.'
      : `${askedPeople === 1 ? 'One person was' : `${askedPeople} people were`} asked to approve it.`
  return `*${quoted(grant.who.name, 100)}* was ${because(grant)}, and waits for an approval of ${tierOn(grant)}.${doubtText(grant)} ${asked}`
}

/** To those who may decide, and have not. */
export const waitsNotice = (grant: Grant): string =>
  `*${quoted(grant.who.name, 100)}* still waits for an approval of ${tierOn(grant)}, ${because(grant)}. Decide before ${grant.begins === undefined ? clockTime(grant.until) : 'it begins'}, or it lapses.`

/** To whom it is for: nobody answered, and others are asked, too. */
export const othersNotice = (grant: Grant, others: readonly { readonly name: string }[]): string => {
  const asked = others.length === 0 ? 'Nobody else can be asked.' : `Asked now, too: ${namesText(others)}.`
  return `Nobody has decided yet on ${tierOn(grant)} for *${quoted(grant.who.name, 100)}*. ${asked}`
}

/** To whom it is for: what was decided. */
export const decidedNotice = (grant: Grant, end: End | undefined): string =>
  end === undefined
    ? `You have a pass: ${whatFor(grant)}. ${approvedBy(grant)} Pass ${code(grant.id)}.`
    : `You don’t get ${tierOn(grant)}: ${endText(end, grant)}.`
