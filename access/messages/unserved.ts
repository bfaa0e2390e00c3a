import type { Incident } from '../domain/incident.ts'
import { type Reason, reasons } from '../domain/reasons.ts'
import { code, quoted } from './slack-text.ts'

/** To the incident channel, when a paged person gets no pass: why, and what they can do. */
export const unservedMessage = (it: {
  readonly incident: Incident
  readonly service: string
  readonly name: string
  readonly reason: Reason
  readonly command: string
}): string => {
  const mend =
    it.reason === 'page-unmapped' || it.reason === 'person-inactive'
      ? 'Add them to the directory, or have somebody else take the incident.'
      : `They can ask: ${code(`${it.command} grant ${it.service} 1h`)}`
  return `*${quoted(it.name)}* was paged for incident #${it.incident.number} “${quoted(it.incident.title)}” on ${code(it.service)} but got no pass. ${reasons[it.reason].person} ${mend}`
}
