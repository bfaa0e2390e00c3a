import { agreementLastsMs } from '../domain/decide-lock.ts'
import { agreedBy, type Lock } from '../domain/lock.ts'
import { type Person, type Principal, principalKey } from '../domain/principal.ts'
import { type Reason, reasons } from '../domain/reasons.ts'
import { type Rendered, withButtons, withoutButtons } from './blocks.ts'
import { dayAndTime, quoted } from './slack-text.ts'

const longestReason = 500

/** `Ben Okafor`, `the directory` or `the key "…"`. */
export const lockedBy = ({ by }: Lock): string => {
  if (by.kind === 'person') return quoted(by.name, 100)
  return by.kind === 'directory' ? 'the directory' : `the key “${quoted(by.kid, 100)}”`
}

/** Who is locked out since when, by whom and why, as a sentence. */
export const lockText = (lock: Lock): string =>
  `*${quoted(lock.who.name, 100)}* is locked out since ${dayAndTime(lock.since)}, by ${lockedBy(lock)}: ${quoted(lock.because, longestReason)}`

/** Who agreed to let them in again, as a sentence after that; empty where nobody did. */
export const agreedText = ({ agreed }: Lock): string =>
  agreed.length === 0
    ? ''
    : ` ${agreed.map(({ name }) => quoted(name, 100)).join(' and ')} agreed to let them in again.`

/** To one of those who may lock and lift. `needed` is how many have to agree. */
export const lockMessage = (lock: Lock, to: Principal, needed: number): Rendered => {
  const name = `*${quoted(lock.who.name, 100)}*`
  if (lock.state === 'free')
    return withoutButtons(`${name} is let in again.${agreedText(lock)} They hold nothing from before.`)
  const missing = Math.max(0, needed - agreedBy(lock))
  const text = `${lockText(lock)}.${agreedText(lock)} It takes ${missing} more to let them in again, each within ${agreementLastsMs / 3_600_000} hour.`
  const settled =
    principalKey(to) === principalKey(lock.who) ||
    lock.agreed.some((one) => principalKey(one) === principalKey(to))
  if (settled) return withoutButtons(text)
  return withButtons(text, lock, to, [{ action: 'lift', text: 'Let them in again', style: 'danger' }])
}

/** To who agreed: what came of it. */
export const liftedText = (lock: Lock, missing: number): string =>
  lock.state === 'free'
    ? `*${quoted(lock.who.name, 100)}* is let in again. They hold nothing from before, and can ask anew.`
    : `You agreed to let *${quoted(lock.who.name, 100)}* in again. It takes ${missing} more.`

/** Some reasons are about whom it is for, not about who clicked. */
export const notLiftedText = (reason: Reason, { active }: Person): string => {
  if (reason === 'person-inactive' && active)
    return 'The directory says that they are not active. Have that changed first.'
  if (reason === 'already-decided') return 'You agreed already, or they were locked out anew.'
  return reasons[reason].person
}
