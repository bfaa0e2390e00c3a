import { appsConnectionsOpen } from './apps-connections-open.ts'
import { authTest } from './auth-test.ts'
import { chatPostEphemeral } from './chat-post-ephemeral.ts'
import { chatPostMessage } from './chat-post-message.ts'
import { chatUpdate } from './chat-update.ts'
import { conversationsOpen } from './conversations-open.ts'
import type { Method } from './method.ts'
import { usergroupsUsersList } from './usergroups-users-list.ts'
import { usersInfo } from './users-info.ts'
import { usersLookupByEmail } from './users-lookup-by-email.ts'
import { viewsOpen } from './views-open.ts'

export type MethodEntry = {
  readonly answer: Method
  readonly token: 'bot' | 'app'
  /** The scope it asks for. */
  readonly scope?: string
  /** Calls a minute in the workspace, by the method's tier; chat.postMessage counts by channel instead. */
  readonly perMinute?: number
}

const TIER_2 = 20
const TIER_3 = 50
const TIER_4 = 100

export const methods: ReadonlyMap<string, MethodEntry> = new Map<string, MethodEntry>([
  [
    'apps.connections.open',
    { answer: appsConnectionsOpen, token: 'app', scope: 'connections:write', perMinute: TIER_3 },
  ],
  ['auth.test', { answer: authTest, token: 'bot' }],
  ['chat.postEphemeral', { answer: chatPostEphemeral, token: 'bot', scope: 'chat:write', perMinute: TIER_4 }],
  ['chat.postMessage', { answer: chatPostMessage, token: 'bot', scope: 'chat:write' }],
  ['chat.update', { answer: chatUpdate, token: 'bot', scope: 'chat:write', perMinute: TIER_3 }],
  ['conversations.open', { answer: conversationsOpen, token: 'bot', scope: 'im:write', perMinute: TIER_3 }],
  [
    'usergroups.users.list',
    { answer: usergroupsUsersList, token: 'bot', scope: 'usergroups:read', perMinute: TIER_2 },
  ],
  ['users.info', { answer: usersInfo, token: 'bot', scope: 'users:read', perMinute: TIER_4 }],
  [
    'users.lookupByEmail',
    { answer: usersLookupByEmail, token: 'bot', scope: 'users:read.email', perMinute: TIER_3 },
  ],
  ['views.open', { answer: viewsOpen, token: 'bot', perMinute: TIER_4 }],
])
