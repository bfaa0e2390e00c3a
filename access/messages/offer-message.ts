import { formatDuration } from '../domain/duration.ts'
import type { End, Grant } from '../domain/grant.ts'
import { type Rendered, withButtons, withoutButtons } from './blocks.ts'
import { glassOfferMessage } from './break-glass-message.ts'
import { because, doubtText, endText, isByShift, tierOn, whatFor } from './pass-text.ts'
import { code } from './slack-text.ts'

/** To the paged person: a pass, one click away. `byAcknowledging` when acknowledging the incident takes it too. */
export const offerMessage = (grant: Grant, end: End | undefined, byAcknowledging: boolean): Rendered => {
  if (grant.why.kind === 'break-glass') return glassOfferMessage(grant, end)
  const title = `You ${isByShift(grant) ? 'are' : 'were'} ${because(grant)}.`
  if (end !== undefined)
    return withoutButtons(`${title} The offer of ${tierOn(grant)} is over: ${endText(end, grant)}.`)
  if (grant.state === 'active')
    return withoutButtons(`${title} You have a pass: ${whatFor(grant)}. Pass ${code(grant.id)}.`)
  const also = byAcknowledging ? ' Acknowledging the incident in PagerDuty takes it too.' : ''
  return withButtons(
    `${title} Take ${tierOn(grant)} for ${formatDuration(grant.duration)}?${doubtText(grant)}${also}`,
    grant,
    grant.who,
    [
      { action: 'take', text: 'Take', style: 'primary' },
      { action: 'decline', text: 'Not me' },
    ],
  )
}
