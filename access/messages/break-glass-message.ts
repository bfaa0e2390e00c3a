import type { Glass } from '../domain/break-glass/pass.ts'
import { formatDuration } from '../domain/duration.ts'
import type { End, Grant } from '../domain/grant.ts'
import type { Principal } from '../domain/principal.ts'
import { type Rendered, withButtons, withoutButtons } from './blocks.ts'
import { because, endText, tierOn, whatFor } from './pass-text.ts'
import { code, dayAndTime, quoted } from './slack-text.ts'

/** To the channel and the owners of a service: it was opened by a pass that was signed offline. */
export const brokenGlassText = (
  { services, tier, from, until, because }: Glass,
  /** Of whom it was for. */
  name: string,
  keys: readonly string[],
  firstUsedAt: number,
  id: string,
): string =>
  [
    `:rotating_light: *Break-glass*: *${quoted(name, 100)}* got in to ${services.map(code).join(', ')} up to ${code(tier)} by a pass that was signed offline with the keys ${keys.map(code).join(' and ')}.`,
    `Reason: ${quoted(because, 500)}.`,
    `It was good from ${dayAndTime(from)} until ${dayAndTime(until)}, and first used ${dayAndTime(firstUsedAt)}. The proxies’ audit has what was done under ${code(id)}.`,
  ].join('\n')

/** To the channel, before it is access. */
export const breakingGlassText = (grant: Grant): string =>
  `:rotating_light: *Break-glass*: *${quoted(grant.who.name, 100)}* opens ${tierOn(grant)} for ${formatDuration(grant.duration)}, ${because(grant)}. Nobody else had to agree; somebody else has to review it. Pass ${code(grant.id)}.`

/** To one of those who may review it. */
export const reviewMessage = (grant: Grant, to: Principal): Rendered =>
  withButtons(
    `${breakingGlassText(grant)}\nLook at what was done under it, then say so. Until somebody has, they can’t do it again.`,
    grant,
    to,
    [{ action: 'review', text: 'I have reviewed it' }],
  )

/** To whoever asked: whether they mean it. */
export const glassOfferMessage = (grant: Grant, end: End | undefined): Rendered => {
  if (end !== undefined) return withoutButtons(`Breaking the glass is off: ${endText(end, grant)}.`)
  if (grant.state === 'active')
    return withoutButtons(`You broke the glass: ${whatFor(grant)}. Pass ${code(grant.id)}.`)
  return withButtons(
    `Break the glass for ${tierOn(grant)}, for ${formatDuration(grant.duration)}, ${because(grant)}? The channel and the owners are told first, it is not extended, and somebody else reviews it.`,
    grant,
    grant.who,
    [
      {
        action: 'take',
        text: 'Break the glass',
        style: 'danger',
        confirm: 'Everybody is told now. Break the glass?',
      },
      { action: 'decline', text: 'Leave it' },
    ],
  )
}
