import { isOfAnotherTeam, type Member, memberNamed, members } from '../slack/members.ts'
import { type Channel, channelNamed, dmWith, publicChannels } from '../slack/workspace.ts'
import { BadInput } from './bad-input.ts'
import type { Fields } from './call.ts'
import { textField } from './fields.ts'

/** Each reads one field, or says in one line what to give instead. */

/** One of the cast, or one whom Slack alone knows: a guest, a bot, somebody of another workspace. */
export const memberField = (fields: Fields, name: string): Member => {
  const member = memberNamed(textField(fields, name, 'ana'))
  if (member) return member
  const names = members.map((one) => one.name).join(', ')
  throw new BadInput(`There is no ${fields[name]} here: ${name}= takes one of ${names}.`)
}

/** Slack lets nobody of another workspace run commands. */
export const commanderField = (fields: Fields, name: string): Member => {
  const member = memberField(fields, name)
  if (!isOfAnotherTeam(member.standing)) return member
  throw new BadInput(`${member.name} is of another workspace, and can only click: say ${name}=ana.`)
}

export const channelField = (name: string): Channel => {
  const channel = channelNamed(name)
  if (channel) return channel
  const names = publicChannels.map((one) => one.name).join(', ')
  const mend = memberNamed(name) ? `GET /dm/${name} has direct messages` : `the channels are ${names}`
  throw new BadInput(`There is no channel ${name}: ${mend}.`, 404)
}

export const dmChannel = ({ name, slack }: Member): Channel => {
  const channel = dmWith(slack.user)
  if (!channel) throw new BadInput(`There are no direct messages with ${name}.`, 404)
  return channel
}

/** A whole number of at least 0. */
export const countField = (fields: Fields, name: string): number | undefined => {
  const text = fields[name]
  if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text)
  throw new BadInput(`${name}=${text} is no number: say ${name}=3.`)
}
