import type { Refusal } from '#access/domain/decide-access.ts'
import { formatDuration } from '#access/domain/duration.ts'
import type { Grant } from '#access/domain/grant.ts'
import { reasons } from '#access/domain/reasons.ts'
import { because, whatFor } from '#access/messages/grant-given.ts'
import { code, plural, quoted } from '#access/messages/slack-text.ts'
import type { Receipt } from '#access/ports.ts'
import type { Command } from './parse-command.ts'

/** Texts that one person reads privately. The first line says what happened. */

/** So many fit into Slack's 40,000 characters, whatever their reasons are. */
const mostListed = 20

const listed = (lines: readonly string[]): string[] =>
  lines.length <= mostListed
    ? [...lines]
    : [...lines.slice(0, mostListed), `• and ${lines.length - mostListed} more`]

export const helpAnswer = (command: string): string =>
  [
    '*Pagepass*: a pass to a service, for as long as you need it.',
    `${code(`${command} grant orders-svc 2h because stuck orders`)} asks for a pass. Name a tier after the time if you need more: ${code(`${command} grant orders-svc 1h operate because …`)}`,
    `${code(`${command} list`)} shows your passes.`,
    `${code(`${command} revoke orders-svc`)} ends one now: name its service or its id.`,
    'When you are paged, the pass comes by itself.',
  ].join('\n')

export const unreadableAnswer = (command: string, it: Extract<Command, { verb: 'unreadable' }>): string =>
  `${quoted(it.what)} Try ${code(`${command} ${it.try}`)}`

export const grantedAnswer = (grant: Grant, command: string): string =>
  `You have a pass: ${whatFor(grant)}. Pass ${code(grant.id)}.\nEnd it early with ${code(`${command} revoke ${grant.id}`)}`

export const refusedAnswer = (
  command: string,
  asked: Extract<Command, { verb: 'grant' }>,
  refusal: Refusal,
): string => {
  const { reason, hint, longest, tier } = refusal
  const ask = (changes: { service?: string; duration?: string; tier?: string; reason?: string }): string =>
    code(
      [
        command,
        'grant',
        changes.service ?? asked.service,
        changes.duration ?? formatDuration(asked.duration ?? 3_600_000),
        changes.tier ?? asked.tier ?? '',
        changes.reason ?? (asked.reason === undefined ? '' : `because ${asked.reason}`),
      ]
        .filter((word) => word !== '')
        .join(' '),
    )
  const text = reasons[reason].person
  switch (reason) {
    case 'service-unknown':
      return `There is no service ${code(asked.service)}. ${hint === undefined ? `See ${code(`${command} help`)}` : `Did you mean ${ask({ service: hint })}`}`
    case 'tier-unknown':
      return `There is no tier ${code(asked.tier ?? '')}. ${hint === undefined ? `Leave it out: ${ask({ tier: '' })}` : `Did you mean ${ask({ tier: hint })}`}`
    case 'duration-too-long':
      return `A pass of tier *${tier}* lasts ${formatDuration(longest ?? 0)} at most. Try ${ask({ duration: formatDuration(longest ?? 0) })}`
    case 'reason-needed':
      return `The tier *${tier}* needs a reason. Try ${ask({ reason: 'because …' })}`
    default:
      return text
  }
}

export const listAnswer = (grants: readonly Grant[], command: string): string =>
  grants.length === 0
    ? `You have no passes. Ask for one with ${code(`${command} grant orders-svc 1h`)}`
    : [
        `You have ${plural(grants.length, 'pass', 'passes')}:`,
        ...listed(grants.map((grant) => `• ${whatFor(grant)}, ${because(grant)}. Pass ${code(grant.id)}`)),
      ].join('\n')

export const revokedAnswer = (grant: Grant, receipt: Receipt): string => {
  const { confirmed, missing, streamsCut } = receipt
  const all = confirmed.length + missing.length
  const late =
    missing.length === 0
      ? ''
      : `\n${missing.map(code).join(', ')} did not confirm, and will close by itself when its view is too old.`
  const none = all === 0 ? ' No proxy is running.' : ''
  return `Revoked: *${grant.tier}* on ${grant.services.map(code).join(', ')}, pass ${code(grant.id)}. ${confirmed.length} of ${all} ${all === 1 ? 'proxy' : 'proxies'} confirmed, ${plural(streamsCut, 'stream')} cut.${none}${late}`
}

export const chooseAnswer = (grants: readonly Grant[], command: string): string =>
  [
    'You have several. Choose one:',
    ...listed(grants.map((grant) => `• ${code(`${command} revoke ${grant.id}`)} ${whatFor(grant)}`)),
  ].join('\n')
