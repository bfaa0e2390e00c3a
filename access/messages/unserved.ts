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
  /** Nobody paged them: their shift began. */
  readonly byShift?: boolean
}): string => {
  const why =
    it.reason === 'principal-locked'
      ? 'They are locked out of everything that Pagepass guards.'
      : reasons[it.reason].person
  return `*${quoted(it.name)}* ${it.byShift === true ? 'came on call' : 'was paged'} for incident #${it.incident.number} “${quoted(it.incident.title)}” on ${code(it.service)} but got no pass. ${why} ${mendOf(it)}`
}

const mendOf = ({ reason, command, service }: Parameters<typeof unservedMessage>[0]): string => {
  if (reason === 'principal-locked') return 'Have somebody else take the incident.'
  return reason === 'page-unmapped' || reason === 'person-inactive'
    ? 'Add them to the directory, or have somebody else take the incident.'
    : `They can ask: ${code(`${command} grant ${service} 1h`)}`
}
