import type { Refusal } from '#access/domain/decide-access.ts'
import { formatDuration } from '#access/domain/duration.ts'
import type { Grant } from '#access/domain/grant.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import { shortHash } from '#access/domain/short-hash.ts'
import {
  because,
  lastingText,
  namesText,
  narrowedText,
  onServices,
  tierOn,
  whatFor,
} from '#access/messages/pass-text.ts'
import { clockTime, code, dayAndTime, fitting, plural, quoted } from '#access/messages/slack-text.ts'
import type { HandOverOutcome } from '#access/operations/hand-over.ts'
import type { Preview } from '#access/operations/preview-ask.ts'
import type { Receipt } from '#access/ports.ts'
import type { Command } from './parse-command.ts'

/** Texts that one person reads privately. The first line says what happened. */

/** Far below Slack's 40,000 characters. */
const shown = { most: 20, bytes: 12_000 }
const shownProxies = 10

const listed = (lines: readonly string[]): string[] => fitting(lines, shown, (left) => `• and ${left} more`)

/** `rules` is the rules hash. */
export const helpAnswer = (command: string, rules: string): string =>
  [
    '*Pagepass*: a pass to a service, for as long as you need it.',
    `${code(`${command} grant orders-svc 2h because stuck orders`)} asks for a pass. Name a tier after the time if you need more: ${code(`${command} grant orders-svc 1h operate because …`)}. Several services are one pass, of all or none: ${code(`${command} grant orders-svc,label:web 1h because …`)}`,
    `${code(`${command} grant orders-svc 4h from sat 22:00 because CHG-123`)} asks ahead; ${code(`${command} grant orders-svc until 18:30`)} says when it ends.`,
    `${code(`${command} preview orders-svc 1h admin because …`)} says who would be asked, and asks nobody.`,
    `${code(`${command} list`)} shows your passes.`,
    `${code(`${command} extend orders-svc 30m`)} makes one last longer.`,
    `${code(`${command} revoke orders-svc`)} ends one now: name its service or its id. It also takes back what you asked for.`,
    `${code(`${command} handover orders-svc`)} hands the pass of an incident to whoever else it has reached, or to whom you name behind it.`,
    `${code(`${command} command 42 @ana orders-svc,label:web operate 2h`)} adds people and groups that you mention to services, for incident 42, where the rules let you.`,
    `${code(`${command} lock @ana because …`)} shuts somebody out at once, where the rules let you; ${code(`${command} unlock @ana`)} takes several of you.`,
    `${code(`${command} break-glass orders-svc because …`)} opens it at once, where the rules let you: everybody is told, and somebody else reviews it.`,
    'When you are paged, the pass comes by itself.',
    `Rules ${code(shortHash(rules))}`,
  ].join('\n')

export const glassAskedAnswer =
  'I asked you in a direct message whether you mean it. Nothing is open until you say so there.'

export const unreadableAnswer = (command: string, it: Extract<Command, { verb: 'unreadable' }>): string =>
  `${quoted(it.what)} Try ${code(`${command} ${it.try}`)}`

export const grantedAnswer = (
  grant: Grant,
  command: string,
  asked: readonly { readonly name: string }[] = [],
): string =>
  grant.state === 'pending'
    ? `Others were asked to approve ${tierOn(grant)} for ${lastingText(grant)}.${asked.length === 0 ? '' : ` Asked: ${namesText(asked)}.`} You are told what they decide. Request ${code(grant.id)}.\nTake it back with ${code(`${command} revoke ${grant.id}`)}`
    : `You have a pass: ${whatFor(grant)}. Pass ${code(grant.id)}.\nEnd it early with ${code(`${command} revoke ${grant.id}`)}`

export const previewAnswer = ({ proposal, asked, later }: Exclude<Preview, { refused: unknown }>): string => {
  const { service, services = [service.name], tier, approvers } = proposal
  const what = `*${tier}* on ${onServices({ services: [...services] })} for ${lastingText(proposal)}`
  if (approvers === undefined) return `You would have ${what} at once.`
  const who = approvers.count === 1 ? 'one of them has' : `${approvers.count} of them have`
  const teams = approvers.distinct === true ? ', each of another team' : ''
  const others =
    later.length === 0 || approvers.escalate === undefined
      ? ''
      : ` From ${clockTime(approvers.escalate.at)} also: ${namesText(later)}.`
  return `Others would be asked to approve ${what}: ${namesText(asked)}; ${who} to${teams}.${others} Nobody has been asked.`
}

/** Why one of several services is refused. */
const whyNot = (service: string, { reason, hint, longest, tier }: Refusal): string => {
  if (reason === 'service-unknown') {
    if (service.startsWith('label:')) return 'No service has this label.'
    return hint === undefined ? reasons[reason].person : `There is none. Did you mean ${code(hint)}?`
  }
  const most = longest === undefined || longest === 0 ? '' : ` ${formatDuration(longest)} at most.`
  return `${reasons[reason].person}${tier === undefined ? '' : ` Tier *${quoted(tier, 63)}*.`}${most}`
}

export const refusedAnswer = (
  command: string,
  asked: Extract<Command, { verb: 'grant' | 'preview' | 'break-glass' }>,
  refusal: Refusal,
  /** Who may ask for it, as a sentence. */
  mayAsk?: string,
): string => {
  const { reason, hint, longest, tier } = refusal
  const ask = (changes: { service?: string; duration?: string; tier?: string; reason?: string }): string =>
    code(
      [
        command,
        asked.verb === 'break-glass' ? asked.verb : 'grant',
        changes.service ?? asked.service,
        changes.duration ?? formatDuration(asked.duration ?? 3_600_000),
        changes.tier ?? asked.tier ?? '',
        asked.from === undefined ? '' : `from ${asked.from}`,
        changes.reason ?? (asked.reason === undefined ? '' : `because ${asked.reason}`),
      ]
        .filter((word) => word !== '')
        .join(' '),
    )
  const text = reasons[reason].person
  if (refusal.each !== undefined && asked.services !== undefined)
    return [
      'Nothing was given. It is all of these services or none, and of these not:',
      ...listed(refusal.each.map((one) => `• ${code(one.service)}: ${whyNot(one.service, one.refusal)}`)),
    ].join('\n')
  switch (reason) {
    case 'service-unknown':
      return `There is no service ${code(asked.service)}. ${hint === undefined ? `See ${code(`${command} help`)}` : `Did you mean ${ask({ service: hint })}`}`
    case 'tier-unknown':
      return `There is no tier ${code(asked.tier ?? '')}. ${hint === undefined ? `Leave it out: ${ask({ tier: '' })}` : `Did you mean ${ask({ tier: hint })}`}`
    case 'duration-too-long':
      return `A pass of tier *${tier}* lasts ${formatDuration(longest ?? 0)} at most. Try ${ask({ duration: formatDuration(longest ?? 0) })}`
    case 'nobody-to-approve':
      return `${text} Tell whoever keeps the rules, or ask for a lower tier.`
    case 'reason-needed':
      return `The tier *${tier}* needs a reason. Try ${ask({ reason: 'because …' })}`
    case 'ticket-needed':
      return `The tier *${tier}* needs a reason with a ticket. Try ${ask({ reason: 'because CHG-123 …' })}`
    case 'frozen':
      return frozenAnswer(refusal)
    case 'not-eligible':
      return mayAsk === undefined ? text : `${text} ${quoted(mayAsk, 1_000)}`
    case 'too-far-ahead':
      return longest === 0
        ? `${text} A pass of tier *${tier}* begins at once.`
        : `${text} ${formatDuration(longest ?? 0)} ahead at most.`
    default:
      return text
  }
}

const frozenAnswer = ({ tier, because, until }: Refusal): string =>
  `Nothing of tier *${tier}* is given by hand${until === undefined ? '' : ` until ${dayAndTime(until)}`}: ${quoted(because ?? 'frozen')} A page still gives.`

export const listAnswer = (
  grants: readonly Grant[],
  command: string,
  narrowed: (grant: Grant) => readonly string[] = () => [],
): string =>
  grants.length === 0
    ? `You have no passes. Ask for one with ${code(`${command} grant orders-svc 1h`)}`
    : [
        `You have ${plural(grants.length, 'pass', 'passes')}:`,
        ...listed(
          grants.map(
            (grant) =>
              `• ${standing(grant)}, ${because(grant)}${narrowedText(narrowed(grant))}. Pass ${code(grant.id)}`,
          ),
        ),
      ].join('\n')

const standing = (grant: Grant): string => {
  const forTime = `${tierOn(grant)} for ${lastingText(grant)}`
  if (grant.state === 'offered') return `offered: ${forTime}`
  return grant.state === 'pending' ? `waits for an approval: ${forTime}` : whatFor(grant)
}

export const extendedAnswer = (grant: Grant, was: number): string =>
  `Extended by ${formatDuration(grant.until - was)}: ${whatFor(grant)}. Pass ${code(grant.id)}. What you have open stays open.`

export const notExtendedAnswer = (refusal: Refusal, pass: string, command: string): string => {
  const text = reasons[refusal.reason].person
  switch (refusal.reason) {
    case 'extension-too-long':
      return `${text} Try ${code(`${command} extend ${pass} ${formatDuration(Math.floor((refusal.longest ?? 0) / 1_000) * 1_000)}`)}`
    case 'frozen':
      return frozenAnswer(refusal)
    case 'extension-spent':
    case 'approval-needed':
    case 'pass-ending':
      return `${text} Ask for a new one with ${code(`${command} grant …`)}`
    default:
      return `${text} See yours with ${code(`${command} list`)}`
  }
}

const withdrawnText = {
  offered: 'which you were offered',
  pending: 'which waited for an approval',
  active: 'which had not begun yet',
} as const

export const withdrawnAnswer = (grant: Grant): string =>
  `Taken back: ${tierOn(grant)}, ${withdrawnText[grant.state]}.`

export const revokedAnswer = (grant: Grant, receipt: Receipt): string =>
  `Revoked: *${grant.tier}* on ${onServices(grant)}, pass ${code(grant.id)}. ${receiptText(receipt)}`

/** What the proxies did, as sentences. */
export const receiptText = (receipt: Receipt): string => {
  const { confirmed, missing, streamsCut, replicated } = receipt
  const all = confirmed.length + missing.length
  const others = missing.length - shownProxies
  const late =
    missing.length === 0
      ? ''
      : `\n${missing.slice(0, shownProxies).map(code).join(', ')}${others > 0 ? ` and ${others} more` : ''} did not confirm, and will close by ${missing.length === 1 ? 'itself when its view is' : 'themselves when their views are'} too old.`
  const lone =
    replicated === false
      ? '\nThe replicas of Redis do not have it yet. If Redis fails over now, those who know of it write it again.'
      : ''
  const none = all === 0 ? ' No proxy is running.' : ''
  return `${confirmed.length} of ${all} ${all === 1 ? 'proxy' : 'proxies'} confirmed, ${plural(streamsCut, 'stream')} cut.${none}${late}${lone}`
}

/** Who is locked out, where somebody may know. */
export const lockedList = (lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['Locked out:', ...listed(lines)]
/** Whom the directory does not know. */
export const strangerAnswer = 'Pagepass does not know them. Ask whoever keeps the directory to add them.'

export const handOverAnswer = (
  outcome: Exclude<HandOverOutcome, { choose: unknown }>,
  command: string,
  pass: string,
): string => {
  if ('handedOver' in outcome || 'waitsFor' in outcome) return handedOverText(outcome)
  if ('chooseOne' in outcome)
    return `Say to whom: the incident has reached ${outcome.chooseOne.map(({ name }) => quoted(name, 100)).join(', ')}. Try ${code(`${command} handover ${pass} @name`)}`
  if (outcome.refused === 'nobody-next')
    return `${reasons['nobody-next'].person} Try ${code(`${command} handover ${pass} @name`)}`
  const text = notHandedOverText(outcome.refused)
  return text === reasons[outcome.refused].person ? `${text} See yours with ${code(`${command} list`)}` : text
}

/** What came of handing one's own pass over. */
export const handedOverText = (
  outcome: Extract<HandOverOutcome, { handedOver: unknown } | { waitsFor: unknown }>,
): string => {
  if ('handedOver' in outcome)
    return `Handed over: ${quoted(outcome.to.who.name, 100)} has ${whatFor(outcome.to)}, and your pass ${code(outcome.handedOver.id)} has ended.`
  const { waitsFor } = outcome
  const until = waitsFor.state === 'pending' ? 'others have approved it for them' : 'they take it'
  return `Put before ${quoted(waitsFor.who.name, 100)}: ${tierOn(waitsFor)}. Your own pass goes on until ${until}.`
}

/** Why nothing was handed over: some reasons are about whom it was for. */
export const notHandedOverText = (reason: Reason): string => {
  switch (reason) {
    case 'not-eligible':
    case 'tier-none':
      return 'The rules do not let them have this.'
    case 'person-inactive':
      return 'Their account is not active.'
    case 'page-again':
      return 'They turned it down, or what they had of it has ended. They can ask for a pass themselves.'
    default:
      return reasons[reason].person
  }
}

export const chooseAnswer = (grants: readonly Grant[], command: string): string =>
  [
    'You have several. Choose one:',
    ...listed(grants.map((grant) => `• ${code(`${command} ${grant.id}`)} ${standing(grant)}`)),
  ].join('\n')
