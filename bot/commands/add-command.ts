import { whyNoCommander } from '#access/domain/decide-command.ts'
import { isFault } from '#access/domain/errors.ts'
import { nearest } from '#access/domain/nearest.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import { labelIn, namesService, type RuleSet, type Service } from '#access/domain/rule-set.ts'
import { code, plural } from '#access/messages/slack-text.ts'
import { type AddParts, addPeople } from '#access/operations/add-people.ts'
import type { SlackGroups } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { addedAnswer, type Unknown } from './add-answer.ts'
import type { AddCommand, Mentioned } from './parse-add.ts'

export type AddCommandParts = AddParts & { readonly groups: SlackGroups; readonly log: Logger }

/** In one go. */
export const mostPeople = 20
export const mostServices = 10
const mostGroups = 5

/** Carries out `/access command`, and says in a private answer what came of it. */
export const runAddCommand = async (
  parts: AddCommandParts,
  name: string,
  team: string,
  person: Person,
  command: AddCommand,
  refused: (reason: Reason) => void,
): Promise<string> => {
  const { rules, clock } = parts
  // Before anything is asked of anybody, and before it is said who or what there is.
  const reason = whyNoCommander(rules, person, clock.now())
  if (reason !== undefined) {
    refused(reason)
    return reasons[reason].person
  }
  const services = servicesNamed(rules, command.services)
  if (typeof services === 'string') return services
  if (services.length > mostServices)
    return `These are ${services.length} services. At most ${mostServices} are given in one go.`
  const mentioned = await usersOf(parts, command.people)
  if (typeof mentioned === 'string') return mentioned
  const { users, unread } = mentioned
  if (users.length > mostPeople)
    return `These are ${plural(users.length, 'person', 'people')}. At most ${mostPeople} are added in one go: mention fewer.`
  const known = users.map((user) => ({ user, person: parts.directory.bySlack(team, user) }))
  const strangers: Unknown[] = known.flatMap((one) => (one.person === undefined ? [{ user: one.user }] : []))
  const people = known.flatMap((one) => one.person ?? [])
  const ask = { ...command, people, services }
  const outcome = await addPeople(parts, person, ask)
  if ('refused' in outcome) {
    refused(outcome.refused)
    return reasons[outcome.refused].person
  }
  for (const { refusal, person: who } of outcome.not)
    parts.log.warn(
      { verb: 'command', reason: refusal.reason, who: principalKey(who), incident: outcome.incident.id },
      'a commander could not add somebody',
    )
  return addedAnswer(name, outcome, [...strangers, ...unread])
}

/** Names and labels as services, or what is wrong with them. */
const servicesNamed = (rules: RuleSet, words: readonly string[]): readonly Service[] | string => {
  const all = [...rules.services.values()]
  for (const word of words) {
    if (all.some((service) => namesService([word], service))) continue
    const label = labelIn(word)
    if (label !== undefined) return `No service has the label ${code(label)}. Nothing was given.`
    const hint = nearest(word, rules.services.keys())
    return `There is no service ${code(word)}.${hint === undefined ? '' : ` Did you mean ${code(hint)}?`} Nothing was given.`
  }
  return all.filter((service) => namesService(words, service))
}

type Users = { readonly users: readonly string[]; readonly unread: readonly Unknown[] }

/** Ids of users, each once. A group that can't be read is named, and the others go on. */
const usersOf = async (
  { groups, log }: AddCommandParts,
  people: readonly Mentioned[],
): Promise<Users | string> => {
  const named = [...new Set(people.flatMap((one) => ('group' in one ? [one.group] : [])))]
  if (named.length > mostGroups) return `Mention at most ${mostGroups} groups in one go.`
  const unread: Unknown[] = []
  const members = await Promise.all(
    named.map(async (group) => {
      try {
        return await groups.usersOf(group)
      } catch (error) {
        if (!isFault(error, 'slack/failed')) throw error
        log.warn({ group, error: error.message, mend: error.mend }, 'a group could not be read')
        unread.push({ group, ...(error.mend === undefined ? {} : { mend: error.mend }) })
        return []
      }
    }),
  )
  const alone = people.flatMap((one) => ('user' in one ? [one.user] : []))
  return { users: [...new Set([...alone, ...members.flat()])], unread }
}
