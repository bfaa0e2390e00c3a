import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { answerJson } from '../http/answer.ts'
import { readBody } from '../http/body.ts'
import { type Args, readArguments } from './arguments.ts'
import { authTest } from './methods/auth-test.ts'
import { chatPostEphemeral } from './methods/chat-post-ephemeral.ts'
import { chatPostMessage } from './methods/chat-post-message.ts'
import { chatUpdate } from './methods/chat-update.ts'
import { conversationsOpen } from './methods/conversations-open.ts'
import type { Method, Workspace } from './methods/method.ts'
import { usersInfo } from './methods/users-info.ts'
import { usersLookupByEmail } from './methods/users-lookup-by-email.ts'
import { SlackError } from './slack-error.ts'

const methods = new Map<string, Method>([
  ['auth.test', authTest],
  ['chat.postEphemeral', chatPostEphemeral],
  ['chat.postMessage', chatPostMessage],
  ['chat.update', chatUpdate],
  ['conversations.open', conversationsOpen],
  ['users.info', usersInfo],
  ['users.lookupByEmail', usersLookupByEmail],
])

/** Slack answers its refusals with HTTP 200 too, all but the rate limit. */
export const answerWebApi = async (
  workspace: Workspace,
  botToken: string,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const body = await readBody(request)
  try {
    const args = readArguments(request, body)
    checkToken(request, args, botToken)
    const method = methods.get(name)
    if (!method) throw new SlackError('unknown_method')
    answerJson(response, 200, { ok: true, ...method(workspace, args) })
  } catch (error) {
    answerRefusal(response, error instanceof z.ZodError ? new SlackError('invalid_arguments') : error)
  }
}

const checkToken = (request: IncomingMessage, args: Args, botToken: string): void => {
  const token = request.headers.authorization?.replace(/^Bearer /i, '') ?? args.token
  if (token === undefined) throw new SlackError('not_authed')
  if (token !== botToken) throw new SlackError('invalid_auth')
}

const answerRefusal = (response: ServerResponse, error: unknown): void => {
  if (!(error instanceof SlackError)) throw error
  const { code, details, retryAfterSeconds } = error
  const body = {
    ok: false,
    error: code,
    ...(details.length > 0 && {
      errors: details,
      response_metadata: { messages: details.map((detail) => `[ERROR] ${detail}`) },
    }),
  }
  if (retryAfterSeconds === undefined) answerJson(response, 200, body)
  else answerJson(response, 429, body, { 'retry-after': String(retryAfterSeconds) })
}
