import { decideLock } from '#access/domain/decide-lock.ts'
import type { By } from '#access/domain/grant.ts'
import type { Lock } from '#access/domain/lock.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import { belongsTo, type RuleSet } from '#access/domain/rule-set.ts'
import { agreedText, liftedText, lockText, notLiftedText } from '#access/messages/lock-message.ts'
import { code, plural, quoted } from '#access/messages/slack-text.ts'
import { liftLock } from '#access/operations/lift-lock.ts'
import { type Locked, type LockParts, lockByPerson } from '#access/operations/lock-principal.ts'
import type { Directory, Receipt, Receipts } from '#access/ports.ts'
import { receiptText } from './answers.ts'
import type { LockCommand, Whom } from './parse-lock.ts'

export type LockCommandParts = LockParts & {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly receipts: Receipts
}

/** Carries out `/access lock` and `/access unlock`, and says in a private answer what came of it. */
export const runLockCommand = async (
  parts: LockCommandParts,
  name: string,
  team: string,
  person: Person,
  command: LockCommand,
  refused: (reason: Reason) => void,
): Promise<string> => {
  const { rules, clock } = parts
  // Before it is said whether there is such a person.
  const reason = decideLock(rules, person, clock.now())
  if (reason !== undefined) {
    refused(reason)
    return reasons[reason].person
  }
  const who = whoIs(parts, team, command.whom)
  if (who === undefined)
    return `That Slack account is nobody’s in the directory. Name them by their subject at the identity provider: ${code(`${name} ${command.verb} subject:…`)}`
  if (command.verb === 'unlock') {
    const outcome = await liftLock(parts, person, principalKey(who))
    if ('lock' in outcome) return liftedText(outcome.lock, outcome.missing)
    refused(outcome.refused)
    return notLiftedText(outcome.refused, person)
  }
  const outcome = await lockByPerson(parts, person, who, command.reason)
  if ('refused' in outcome) {
    refused(outcome.refused)
    return reasons[outcome.refused].person
  }
  return lockedAnswer(parts, outcome, who)
}

/** A mention is of the workspace it was made in; a subject need not be known to the directory. */
const whoIs = ({ rules, directory }: LockCommandParts, team: string, whom: Whom): By | undefined => {
  if ('slack' in whom) return directory.bySlack(team, whom.slack)
  const principal = { issuer: rules.identity.issuer, subject: whom.subject }
  return directory.byPrincipal(principalKey(principal)) ?? { ...principal, name: whom.subject }
}

const lockedAnswer = (
  { rules, directory, clock }: LockCommandParts,
  { lock, ended, receipt }: Locked & { readonly receipt: Receipt | undefined },
  who: By,
): string => {
  const name = `*${quoted(who.name, 100)}*`
  const done =
    receipt === undefined
      ? `${lockText(lock)}. Nothing was changed.`
      : `Locked out: ${name}. ${plural(ended, 'pass', 'passes')}, offers and requests ended. ${receiptText(receipt)}`
  const needed = rules.lock?.lift ?? 1
  const now = clock.now()
  const left = directory.activeWhere(
    (other) =>
      principalKey(other) !== principalKey(who) && belongsTo(rules, rules.lock?.who ?? [], other, now),
  ).length
  const warning =
    left < needed
      ? `\nIt takes ${needed} people to let them in again, and only ${left} can: add somebody to those whom the rules’ ${code('lock')} names.`
      : ` It takes ${needed} of those who may to let them in again.`
  return `${done}${warning}`
}

/** Who is locked out, for those who may lock; nothing for others. */
export const lockedLines = (
  rules: RuleSet,
  locks: readonly Lock[],
  person: Person,
  now: number,
): readonly string[] =>
  decideLock(rules, person, now) === undefined
    ? locks.filter(({ state }) => state === 'locked').map((lock) => `• ${lockText(lock)}.${agreedText(lock)}`)
    : []
