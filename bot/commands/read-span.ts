import { readMoment } from '#access/domain/wall-time.ts'
import { code, quoted } from '#access/messages/slack-text.ts'
import type { Command } from './parse-command.ts'

type Grant = Extract<Command, { verb: 'grant' | 'preview' | 'break-glass' }>

/** When it is to begin, where that was said, and how long it is to last. Milliseconds. */
export type Span =
  | { readonly from?: number; readonly zone?: string; readonly duration?: number }
  | { readonly unreadable: string }

/** What `from` and `until` mean by the clocks of a zone. Where it can't be told, what to say instead. */
export const readSpan = (name: string, { from, until, duration }: Grant, zone: string, now: number): Span => {
  const begins = from === undefined ? undefined : readMoment(from, zone, now)
  if (begins !== undefined && 'fault' in begins)
    return { unreadable: faultText(name, begins.fault, from ?? '', zone) }
  const said = begins === undefined ? {} : { from: begins.moment.at, zone: begins.moment.zone }
  if (until === undefined) return { ...said, ...(duration === undefined ? {} : { duration }) }
  const start = begins?.moment ?? { at: now, zone }
  const ends = readMoment(until, start.zone, start.at)
  if ('fault' in ends) return { unreadable: faultText(name, ends.fault, until, start.zone) }
  return { ...said, duration: ends.moment.at - start.at }
}

const faultText = (
  name: string,
  fault: 'unreadable' | 'past' | 'never' | 'twice',
  written: string,
  zone: string,
): string => {
  const text = `“${quoted(written, 100)}”`
  const exact = `Write it with its offset: ${code('2026-11-28T22:00+01:00')}`
  switch (fault) {
    case 'unreadable':
      return `${text} is not a time I can read. Try ${code(`${name} grant orders-svc 4h from sat 22:00 because CHG-123`)}`
    case 'past':
      return `${text} is over (${code(zone)}). Write a time that is to come.`
    case 'never':
      return `The clocks of ${code(zone)} are turned then, and never show ${text}. ${exact}`
    case 'twice':
      return `The clocks of ${code(zone)} are turned then, and show ${text} twice. ${exact}`
  }
}
