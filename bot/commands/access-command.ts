import type { Refusal } from '#access/domain/decide-access.ts'
import { narrowedTo } from '#access/domain/narrowed.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import { type RuleSet, tierOf } from '#access/domain/rule-set.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { type AskGlassParts, askToBreakGlass } from '#access/operations/ask-to-break-glass.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { handOver } from '#access/operations/hand-over.ts'
import { listGrants } from '#access/operations/list-grants.ts'
import { previewAsk } from '#access/operations/preview-ask.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { whoDecidesOn } from '#access/operations/who-decides.ts'
import type { Incidents } from '#access/ports.ts'
import { whoMayAsk } from '#access/rules/explain/who-may-ask.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { failedAnswer } from '../failed-answer.ts'
import { type AddCommandParts, runAddCommand } from './add-command.ts'
import * as answers from './answers.ts'
import type { InTurn } from './in-turn.ts'
import { type LockCommandParts, lockedLines, runLockCommand } from './lock-command.ts'
import { type Command, type Names, parseCommand } from './parse-command.ts'
import { readSpan } from './read-span.ts'

export type CommandParts = LockCommandParts &
  AddCommandParts &
  Pick<AskGlassParts, 'reviews' | 'signIns'> & {
    readonly incidents: Incidents
    readonly log: Logger
    /** What one person asks for at once is decided in turn: how much they hold already is part of each decision. */
    readonly inTurn: InTurn
  }

export type Asked = {
  readonly command: string
  readonly text: string
  readonly team: string
  readonly user: string
}

/** Carries out what somebody wrote after `/access`, and says in a private answer what came of it. Never rejects. */
export const runAccessCommand = async (parts: CommandParts, asked: Asked): Promise<string> => {
  const command = parseCommand(asked.text, namesIn(parts.rules))
  if (command.verb === 'help') return answers.helpAnswer(asked.command, parts.rules.hash)
  if (command.verb === 'unreadable') return answers.unreadableAnswer(asked.command, command)
  const { team, user } = asked
  const refused = (reason: Reason): void =>
    parts.log.warn({ verb: command.verb, user, team, reason }, 'a command was refused')
  const person = parts.directory.bySlack(team, user)
  if (person === undefined) {
    refused('person-unknown')
    return `${reasons['person-unknown'].person} Ask whoever keeps the directory to add you.`
  }
  if (person.locked === true) {
    refused('principal-locked')
    return reasons['principal-locked'].person
  }
  try {
    if (command.verb === 'lock' || command.verb === 'unlock')
      return await runLockCommand(parts, asked.command, team, person, command, refused)
    if (command.verb === 'command')
      return await parts.inTurn(principalKey(person), () =>
        runAddCommand(parts, asked.command, team, person, command, refused),
      )
    return await answerTo(parts, asked, person, command, refused)
  } catch (error) {
    parts.log.error({ err: error, verb: command.verb }, 'a command failed')
    return failedAnswer(error, 'Passes that are running go on.')
  }
}

const answerTo = async (
  parts: CommandParts,
  { command: name, team }: Asked,
  person: Person,
  command: Exclude<Command, { verb: 'help' | 'unreadable' | 'lock' | 'unlock' | 'command' }>,
  refused: (reason: Reason) => void,
): Promise<string> => {
  switch (command.verb) {
    case 'list':
      return [
        answers.listAnswer(await listGrants(parts, person), name, (grant) =>
          narrowedTo(parts.rules, grant, parts.live.confirmedUntil(grant), parts.clock.now()),
        ),
        ...answers.lockedList(lockedLines(parts.rules, parts.locks.all(), person, parts.clock.now())),
      ].join('\n')
    case 'preview':
    case 'grant': {
      const span = readSpan(name, command, person.zone ?? parts.rules.zone, parts.clock.now())
      if ('unreadable' in span) return span.unreadable
      const { from: _from, until: _until, ...what } = command
      const ask = { ...what, ...span }
      if (command.verb === 'preview') {
        const preview = await previewAsk(parts, person, ask)
        if ('proposal' in preview) return answers.previewAnswer(preview)
        return answers.refusedAnswer(
          name,
          command,
          preview.refused,
          mayAsk(parts.rules, command.service, preview.refused),
        )
      }
      const outcome = await parts.inTurn(principalKey(person), () => askForGrant(parts, person, ask))
      if ('grant' in outcome) {
        const { grant } = outcome
        const { asked } = whoDecidesOn(parts.rules, parts.directory, grant, parts.clock.now())
        return answers.grantedAnswer(grant, name, asked)
      }
      refused(outcome.refused.reason)
      return answers.refusedAnswer(
        name,
        command,
        outcome.refused,
        mayAsk(parts.rules, command.service, outcome.refused),
      )
    }
    case 'break-glass': {
      const outcome = await parts.inTurn(principalKey(person), () => askToBreakGlass(parts, person, command))
      if ('grant' in outcome) return answers.glassAskedAnswer
      refused(outcome.refused.reason)
      return answers.refusedAnswer(name, command, outcome.refused, undefined)
    }
    case 'extend': {
      const outcome = await extendGrant(parts, person, command.pass, command.duration)
      if ('choose' in outcome) return answers.chooseAnswer(outcome.choose, `${name} extend`)
      if ('grant' in outcome) return answers.extendedAnswer(outcome.grant, outcome.was)
      refused(outcome.refused.reason)
      return answers.notExtendedAnswer(outcome.refused, command.pass, name)
    }
    case 'handover': {
      const to = command.to === undefined ? undefined : parts.directory.bySlack(team, command.to)
      if (command.to !== undefined && to === undefined) {
        refused('person-unknown')
        return answers.strangerAnswer
      }
      const outcome = await handOver(parts, person, command.pass, to)
      if ('choose' in outcome) return answers.chooseAnswer(outcome.choose, `${name} handover`)
      if ('refused' in outcome) refused(outcome.refused)
      return answers.handOverAnswer(outcome, name, command.pass)
    }
    case 'revoke': {
      const outcome = await revokeGrant(parts, person, command.pass)
      if ('choose' in outcome) return answers.chooseAnswer(outcome.choose, `${name} revoke`)
      if ('withdrawn' in outcome) return answers.withdrawnAnswer(outcome.withdrawn)
      if ('revoked' in outcome) return answers.revokedAnswer(outcome.revoked, outcome.receipt)
      refused(outcome.refused)
      return `${reasons[outcome.refused].person} See yours with \`${name} list\``
    }
  }
}

const namesIn = ({ services }: RuleSet): Names => ({
  isService: (word) => services.has(word),
  isTier: (word) => [...services.values()].some((service) => tierOf(service, word) !== undefined),
})

/** Who may ask for what somebody was refused. */
const mayAsk = (rules: RuleSet, name: string, { reason, tier: refused }: Refusal): string | undefined => {
  const service = rules.services.get(name)
  const tier = service === undefined || refused === undefined ? undefined : tierOf(service, refused)
  return reason !== 'not-eligible' || service === undefined || tier === undefined
    ? undefined
    : whoMayAsk(service, tier)
}
