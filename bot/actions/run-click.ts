import {
  type AnyAction,
  type ButtonAction,
  grantOfButton,
  isButtonOf,
  scopeOfButton,
} from '#access/domain/button.ts'
import { formatDuration } from '#access/domain/duration.ts'
import { type Grant, incidentOf } from '#access/domain/grant.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import { endedAllText } from '#access/messages/command-message.ts'
import { liftedText, notLiftedText } from '#access/messages/lock-message.ts'
import { tierOn, whatFor } from '#access/messages/pass-text.ts'
import { quoted } from '#access/messages/slack-text.ts'
import { type ApproveParts, approveGrant } from '#access/operations/approve-grant.ts'
import { type BreakGlassParts, breakGlass } from '#access/operations/break-glass.ts'
import { declineOffer } from '#access/operations/decline-offer.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { endGo } from '#access/operations/end-go.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { heldBy } from '#access/operations/find-held.ts'
import { type HandOverParts, handOver } from '#access/operations/hand-over.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { liftLock } from '#access/operations/lift-lock.ts'
import type { LockParts } from '#access/operations/lock-principal.ts'
import { reviewGlass } from '#access/operations/review-glass.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import type { Receipts, SignInAsk } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { handedOverText, notHandedOverText, receiptText, strangerAnswer } from '../commands/answers.ts'
import { failedAnswer } from '../failed-answer.ts'

export type ClickParts = ApproveParts &
  HandOverParts &
  LockParts &
  Pick<BreakGlassParts, 'reviews' | 'announce'> & {
    readonly receipts: Receipts
    readonly log: Logger
  }

/** A click as Slack signed it. `team` is the clicker's own, `home` that of the workspace the app is in. */
export type Click = {
  readonly action: AnyAction
  readonly value: string
  readonly team: string
  readonly home: string
  readonly user: string
}

/**
 * Carries out a click, and says privately what came of it. Undefined when nothing is said: to a stranger of another
 * workspace, and to whoever sends a button that they were not given. Never rejects.
 */
export const runClick = async (parts: ClickParts, click: Click): Promise<string | undefined> => {
  const { log } = parts
  const { action, user, team } = click
  try {
    const outcome = await decide(parts, click)
    if (typeof outcome === 'string') return outcome
    log.warn({ action, user, team, reason: outcome.reason, grant: outcome.grant }, 'a click was refused')
    return outcome.silent ? undefined : outcome.text
  } catch (error) {
    log.error({ err: error, action }, 'a click failed')
    return failedAnswer(error)
  }
}

type Refused = {
  readonly reason: Reason
  readonly grant?: string
  readonly silent: boolean
  readonly text: string
}

const refused = (
  reason: Reason,
  grant?: string,
  silent = false,
  text: string = reasons[reason].person,
): Refused => ({
  reason,
  ...(grant === undefined ? {} : { grant }),
  silent,
  text,
})

const decide = async (parts: ClickParts, click: Click): Promise<string | Refused> => {
  const { directory, live, store } = parts
  const { action, value, team, home, user } = click
  const person = directory.bySlack(team, user)
  if (person === undefined) return refused('person-unknown', undefined, team !== home)
  if (person.locked === true) return refused('principal-locked')
  const id = grantOfButton(value)
  if (id === undefined) return refused('button-unknown', undefined, true)
  await live.catchUp()
  if (action === 'lift') return lift(parts, person, id, value)
  // As it was before it ended, for telling a late click from a forged one.
  const grant = live.get(id)?.grant ?? (await store.endOf(id))?.grant
  if (action === 'end-all') return endAll(parts, person, grant, value)
  if (action === 'hand-over') return handOverTo(parts, person, grant, value)
  if (grant === undefined || !isButtonOf(grant, action, person, value))
    return refused('button-unknown', id, true)
  if (action === 'take' && grant.why.kind === 'break-glass') return breakIt(parts, person, id)
  if (action === 'review') return review(parts, person, grant)
  return carryOut(parts, action, person, id, scopeOfButton(value))
}

/** The button is nobody's own: whether this person may press it is decided when they do. */
const endAll = async (
  parts: ClickParts,
  person: Person,
  grant: Grant | undefined,
  value: string,
): Promise<string | Refused> => {
  const why = grant?.why
  if (grant === undefined || why?.kind !== 'command' || !isButtonOf(grant, 'end-all', why.commander, value))
    return refused('button-unknown', grant?.id, true)
  const outcome = await endGo(parts, person, why)
  return 'refused' in outcome
    ? refused(outcome.refused, grant.id)
    : endedAllText(outcome.ended, outcome.left, receiptText(outcome.receipt))
}

/** The button is about what another has of the incident; what is handed over is one's own of it. */
const handOverTo = async (
  parts: ClickParts,
  person: Person,
  theirs: Grant | undefined,
  value: string,
): Promise<string | Refused> => {
  if (theirs === undefined || !isButtonOf(theirs, 'hand-over', person, value))
    return refused('button-unknown', theirs?.id, true)
  const { directory, live, clock } = parts
  const incident = incidentOf(theirs)?.id
  const mine = heldBy(live, person, clock.now()).find(
    (grant) =>
      grant.state === 'active' &&
      grant.why.kind === 'page' &&
      grant.why.incident.id === incident &&
      grant.tier === theirs.tier &&
      grant.services.every((name) => theirs.services.includes(name)),
  )
  const to = directory.byPrincipal(principalKey(theirs.who))
  if (mine === undefined) return refused('already-decided', theirs.id)
  if (to === undefined) return refused('person-unknown', theirs.id, false, strangerAnswer)
  const outcome = await handOver(parts, person, mine.id, to)
  if ('choose' in outcome || 'chooseOne' in outcome) return refused('already-decided', mine.id)
  return 'refused' in outcome
    ? refused(outcome.refused, mine.id, false, notHandedOverText(outcome.refused))
    : handedOverText(outcome)
}

const breakIt = async (parts: ClickParts, person: Person, id: string): Promise<string | Refused> => {
  const outcome = await breakGlass(parts, person, id)
  if ('signIn' in outcome) return signInText(parts, outcome.signIn, 'break the glass')
  return 'refused' in outcome
    ? refused(outcome.refused, id)
    : `You broke the glass: ${whatFor(outcome.grant)}.`
}

const signInText = async (
  { signIns }: Pick<ClickParts, 'signIns'>,
  ask: SignInAsk,
  to: string,
): Promise<string | Refused> => {
  const at = await signIns?.begin(ask)
  if (at === undefined) return refused('sign-in-first', ask.grant)
  return `To ${to}, sign in anew within ${formatDuration(ask.maxAge)}: ${at}`
}

const review = async (parts: ClickParts, person: Person, grant: Grant): Promise<string | Refused> => {
  const outcome = await reviewGlass(parts, person, grant)
  if ('refused' in outcome) return refused(outcome.refused, grant.id)
  parts.log.info({ grant: grant.id, by: principalKey(person) }, 'a break-glass pass was reviewed')
  return `Reviewed: ${quoted(grant.who.name, 100)} may break the glass again.`
}

const lift = async (
  parts: ClickParts,
  person: Person,
  id: string,
  value: string,
): Promise<string | Refused> => {
  const lock = parts.locks.all().find((one) => one.id === id)
  if (lock === undefined || !isButtonOf(lock, 'lift', person, value))
    return refused('button-unknown', id, true)
  const outcome = await liftLock(parts, person, principalKey(lock.who), id)
  return 'refused' in outcome
    ? refused(outcome.refused, id, false, notLiftedText(outcome.refused, person))
    : liftedText(outcome.lock, outcome.missing)
}

const carryOut = async (
  parts: ClickParts,
  action: Exclude<ButtonAction, 'review'>,
  person: Person,
  id: string,
  shown: string | undefined,
): Promise<string | Refused> => {
  switch (action) {
    case 'take': {
      const outcome = await takeOffer(parts, person, id)
      return 'refused' in outcome
        ? refused(outcome.refused, id)
        : `You have a pass: ${whatFor(outcome.grant)}.`
    }
    case 'decline': {
      const outcome = await declineOffer(parts, person, id)
      return 'refused' in outcome ? refused(outcome.refused, id) : `Turned down: ${tierOn(outcome.declined)}.`
    }
    case 'approve': {
      const outcome = await approveGrant(parts, person, id, shown)
      if ('grant' in outcome) return approvedText(outcome.grant)
      if ('signIn' in outcome) return signInText(parts, outcome.signIn, 'approve this')
      return refused(outcome.refused, id, false, notApprovedText(person, outcome.refused))
    }
    case 'deny': {
      const outcome = await denyGrant(parts, person, id)
      if ('refused' in outcome) return refused(outcome.refused, id)
      return `Denied: ${tierOn(outcome.denied)} for ${quoted(outcome.denied.who.name, 100)}.`
    }
    case 'extend': {
      const outcome = await extendGrant(parts, person, id)
      if ('choose' in outcome) return refused('grant-unknown', id)
      if ('refused' in outcome) return refused(outcome.refused.reason, id)
      return `Extended by ${formatDuration(outcome.grant.until - outcome.was)}: ${whatFor(outcome.grant)}.`
    }
    case 'keep': {
      const outcome = await keepGrant(parts, person, id)
      return 'refused' in outcome ? refused(outcome.refused, id) : `Kept: ${whatFor(outcome.grant)}.`
    }
  }
}

/** Some reasons are about whoever asked, not about whoever clicked. */
const notApprovedText = (person: Person, reason: Reason): string => {
  if (reason === 'not-eligible') return 'The rules do not let them have this any more.'
  if (reason === 'person-inactive' && person.active) return 'Whoever asked for this is not active any more.'
  return reasons[reason].person
}

const approvedText = (grant: Grant): string => {
  const who = quoted(grant.who.name, 100)
  if (grant.state === 'active') return `Approved: ${who} has ${whatFor(grant)}.`
  const left = (grant.approvers?.count ?? 1) - (grant.approvals?.length ?? 0)
  return `Approved by you. It takes ${left} more.`
}
