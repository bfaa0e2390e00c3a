import { isFault } from '#access/domain/errors.ts'
import type { Person } from '#access/domain/principal.ts'
import { reasons } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { listGrants } from '#access/operations/list-grants.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import type { Clock, Directory, GrantStore, LiveGrants, NewIds, Receipts } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'
import * as answers from './answers.ts'
import { type Command, parseCommand } from './parse-command.ts'

export type CommandParts = {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly live: LiveGrants
  readonly store: GrantStore
  readonly receipts: Receipts
  readonly clock: Clock
  readonly newIds: NewIds
  readonly log: Logger
}

export type Asked = {
  readonly command: string
  readonly text: string
  readonly team: string
  readonly user: string
}

/** Carries out what somebody wrote after `/access`, and says in a private answer what came of it. Never rejects. */
export const runAccessCommand = async (parts: CommandParts, asked: Asked): Promise<string> => {
  const command = parseCommand(asked.text)
  if (command.verb === 'help') return answers.helpAnswer(asked.command)
  if (command.verb === 'unreadable') return answers.unreadableAnswer(asked.command, command)
  const person = parts.directory.bySlack(asked.team, asked.user)
  if (person === undefined)
    return `${reasons['person-unknown'].person} Ask whoever keeps the directory to add you.`
  try {
    return await answerTo(parts, asked.command, person, command)
  } catch (error) {
    parts.log.error({ err: error, verb: command.verb }, 'a command failed')
    const reason = isFault(error, 'store/unreachable') ? 'Redis does not answer' : 'something went wrong here'
    return `${reasons['store-unavailable'].person} (${reason}) Passes that are running go on. Try again in a minute.`
  }
}

const answerTo = async (
  parts: CommandParts,
  name: string,
  person: Person,
  command: Extract<Command, { verb: 'grant' | 'list' | 'extend' | 'revoke' }>,
): Promise<string> => {
  switch (command.verb) {
    case 'list':
      return answers.listAnswer(await listGrants(parts, person), name)
    case 'grant': {
      const outcome = await askForGrant(parts, person, command)
      return 'grant' in outcome
        ? answers.grantedAnswer(outcome.grant, name)
        : answers.refusedAnswer(name, command, outcome.refused)
    }
    case 'extend': {
      const outcome = await extendGrant(parts, person, command.pass, command.duration)
      if ('choose' in outcome) return answers.chooseAnswer(outcome.choose, `${name} extend`)
      return 'refused' in outcome
        ? answers.notExtendedAnswer(outcome.refused, command.pass, name)
        : answers.extendedAnswer(outcome.grant, outcome.was)
    }
    case 'revoke': {
      const outcome = await revokeGrant(parts, person, command.pass)
      if ('choose' in outcome) return answers.chooseAnswer(outcome.choose, `${name} revoke`)
      if ('withdrawn' in outcome) return answers.withdrawnAnswer(outcome.withdrawn)
      if ('refused' in outcome) return `${reasons[outcome.refused].person} See yours with \`${name} list\``
      return answers.revokedAnswer(outcome.revoked, outcome.receipt)
    }
  }
}
