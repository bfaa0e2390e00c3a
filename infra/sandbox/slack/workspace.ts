import { SLACK_TEAM } from '../people.ts'
import { members, takesDirectMessages } from './members.ts'

export const TEAM = { id: SLACK_TEAM, domain: 'sandbox', name: 'Sandbox' } as const
/** What the bot may do, as every answer of the Web API says. */
export const BOT_SCOPES = [
  'chat:write',
  'commands',
  'im:write',
  'usergroups:read',
  'users:read',
  'users:read.email',
] as const
export const BOT = { user: 'U0PAGEPASS', bot: 'B0PAGEPASS', app: 'A0PAGEPASS', name: 'pagepass' } as const

export type Channel = { readonly id: string; readonly name: string; readonly dmWith?: string }

const channels: readonly Channel[] = [
  { id: 'C0INCORDER', name: 'inc-orders' },
  { id: 'C0INCPAYMT', name: 'inc-payments' },
  { id: 'C0GENERAL0', name: 'general' },
  ...members.filter(takesDirectMessages).map(({ slack }) => ({
    id: `D${slack.user.slice(1)}`,
    name: 'directmessage',
    dmWith: slack.user,
  })),
]

export const channelById = (id: string): Channel | undefined => channels.find((channel) => channel.id === id)

export const dmWith = (user: string): Channel | undefined =>
  channels.find((channel) => channel.dmWith === user)

export const channelNamed = (name: string): Channel | undefined =>
  channels.find((channel) => channel.dmWith === undefined && channel.name === name.replace(/^#/, ''))

/** chat.postMessage takes an id, a name with or without '#', or a user id (their direct messages). */
export const channelAddressed = (address: string): Channel | undefined =>
  channelById(address) ?? channelNamed(address) ?? dmWith(address)

export const publicChannels: readonly Channel[] = channels.filter((channel) => channel.dmWith === undefined)
