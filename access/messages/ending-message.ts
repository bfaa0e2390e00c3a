import { type End, type Grant, incidentOf } from '../domain/grant.ts'
import { type Rendered, withButtons, withoutButtons } from './blocks.ts'
import { endText, incidentText, tierOn, whatFor } from './pass-text.ts'
import { clockTime, quoted } from './slack-text.ts'

/** To the holder, ten minutes before the end: `version` is the one that was about to end. */
export const reminderMessage = (grant: Grant, end: End | undefined, version: number): Rendered => {
  if (end !== undefined)
    return withoutButtons(`Your pass has ended: ${tierOn(grant)}, ${endText(end, grant)}.`)
  if (grant.version > version) return withoutButtons(`Your pass goes on: ${whatFor(grant)}.`)
  // Neither what others approved nor what its incident let go of can be extended.
  if (grant.approvals !== undefined || grant.ending !== undefined || grant.kept)
    return withoutButtons(`Your pass ends soon: ${whatFor(grant)}. Ask for a new one if you need it longer.`)
  return withButtons(`Your pass ends soon: ${whatFor(grant)}. Need it longer?`, grant, grant.who, [
    { action: 'extend', text: 'Extend', style: 'primary' },
  ])
}

/** To the holder, when the incident let go of their pass: with a button where nobody but an integration said so. */
export const keepMessage = (grant: Grant, end: End | undefined): Rendered => {
  const of = incidentOf(grant)
  const incident = of === undefined ? 'the incident' : incidentText(of)
  if (end !== undefined)
    return withoutButtons(`Your pass has ended: ${tierOn(grant)}, ${endText(end, grant)}.`)
  const { ending } = grant
  if (ending === undefined) return withoutButtons(`Your pass goes on: ${whatFor(grant)}.`)
  if (ending.to !== undefined)
    return withoutButtons(
      `*${quoted(ending.to.name, 100)}* took over ${incident} from you, as the shift changed. Your pass ends early: ${whatFor(grant)}.`,
    )
  if (!ending.keepable) {
    const why = ending.cause === 'handed over' ? 'went to others' : 'is over'
    return withoutButtons(`${capital(incident)} ${why}. Your pass ends early: ${whatFor(grant)}.`)
  }
  return withButtons(
    `An integration resolved ${incident}. Your pass ends early: ${whatFor(grant)}. Keep it until ${clockTime(ending.was)}?`,
    grant,
    grant.who,
    [{ action: 'keep', text: 'Keep', style: 'primary' }],
  )
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
