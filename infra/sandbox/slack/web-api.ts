import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { z } from 'zod'
import { answerJson, answerText } from '../http/answer.ts'
import { readBody } from '../http/body.ts'
import { type Args, readArguments } from './arguments.ts'
import type { Fault, Faults } from './faults.ts'
import type { Workspace } from './methods/method.ts'
import { type MethodEntry, methods } from './methods/methods.ts'
import { createMinuteLimit } from './rate-limit.ts'
import { SlackError } from './slack-error.ts'
import { BOT_SCOPES } from './workspace.ts'

export type Tokens = { readonly bot: string; readonly app: string | undefined }

type Scopes = { readonly bot: string; readonly app: string }
type TokenKind = keyof Scopes

type Answer = { readonly status: number; readonly body: unknown; readonly headers: OutgoingHttpHeaders }

/** Seconds, when a fault does not tell. */
const RETRY_AFTER = 30

export const createWebApi = (
  workspace: Workspace,
  tokens: Tokens,
  faults: Faults,
  botScopes: readonly string[] = BOT_SCOPES,
) => {
  const scopesOf: Scopes = { bot: botScopes.join(','), app: 'connections:write' }
  const minuteLimit = createMinuteLimit(workspace.now)

  const answerOf = (name: string, request: IncomingMessage, body: string): Answer => {
    let kind: TokenKind | undefined
    const entry = methods.get(name)
    try {
      const args = readArguments(request, body)
      kind = kindOfToken(tokenOf(request, args))
      const fields = call(name, entry, kind, request, args)
      return { status: 200, body: { ok: true, ...fields }, headers: scopeHeaders(scopesOf, kind, entry) }
    } catch (error) {
      const { status, body, headers } = refusal(
        error instanceof z.ZodError ? new SlackError('invalid_arguments') : error,
      )
      return { status, body, headers: { ...headers, ...scopeHeaders(scopesOf, kind, entry) } }
    }
  }

  const call = (
    name: string,
    entry: MethodEntry | undefined,
    kind: TokenKind,
    request: IncomingMessage,
    args: Args,
  ) => {
    if (!entry) throw new SlackError('unknown_method')
    if (entry.token !== kind) throw new SlackError('not_allowed_token_type')
    // App-level tokens are taken from the header alone.
    if (kind === 'app' && request.headers.authorization === undefined) throw new SlackError('invalid_auth')
    if (entry.scope !== undefined && !scopesOf[kind].split(',').includes(entry.scope))
      throw new SlackError('missing_scope', { more: { needed: entry.scope, provided: scopesOf[kind] } })
    if (entry.perMinute !== undefined) {
      const wait = minuteLimit(name, entry.perMinute)
      if (wait > 0) throw new SlackError('ratelimited', { retryAfterSeconds: wait })
    }
    return entry.answer(workspace, args)
  }

  const kindOfToken = (token: string | undefined): TokenKind => {
    if (token === undefined) throw new SlackError('not_authed')
    if (token === tokens.bot) return 'bot'
    if (token === tokens.app) return 'app'
    throw new SlackError('invalid_auth')
  }

  /** Slack answers its refusals with HTTP 200 too, all but the rate limit. */
  return async (name: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request)
    const fault = faults.take(name)
    if (fault && !fault.afterEffect) return answerFault(response, fault, scopesOf, methods.get(name))
    const answer = answerOf(name, request, body)
    if (fault) return answerFault(response, fault, scopesOf, methods.get(name))
    answerJson(response, answer.status, answer.body, answer.headers)
  }
}

const tokenOf = (request: IncomingMessage, args: Args): string | undefined => {
  if (request.headers.authorization !== undefined)
    return request.headers.authorization.replace(/^Bearer /i, '')
  return typeof args.token === 'string' ? args.token : undefined
}

/** What the token may do, and what the method asks for. https://docs.slack.dev/authentication/installing-with-oauth */
const scopeHeaders = (
  scopesOf: Scopes,
  kind: TokenKind | undefined,
  entry: MethodEntry | undefined,
): OutgoingHttpHeaders => ({
  ...(kind && { 'x-oauth-scopes': scopesOf[kind] }),
  ...(kind && entry?.scope && { 'x-accepted-oauth-scopes': entry.scope }),
})

const refusal = (error: unknown): Answer => {
  if (!(error instanceof SlackError)) throw error
  const { faults = [], retryAfterSeconds, more } = error.details
  const body = {
    ok: false,
    error: error.code,
    ...more,
    ...(faults.length > 0 && {
      errors: faults,
      response_metadata: { messages: faults.map((fault) => `[ERROR] ${fault}`) },
    }),
  }
  if (retryAfterSeconds === undefined) return { status: 200, body, headers: {} }
  return { status: 429, body, headers: { 'retry-after': String(retryAfterSeconds) } }
}

const answerFault = (
  response: ServerResponse,
  fault: Fault,
  scopesOf: Scopes,
  entry: MethodEntry | undefined,
): void => {
  const ratelimited = { ok: false, error: 'ratelimited' }
  const scopes = scopeHeaders(scopesOf, entry?.token ?? 'bot', entry)
  switch (fault.kind) {
    case '429':
      return answerJson(response, 429, ratelimited, {
        ...scopes,
        'retry-after': String(fault.retryAfter ?? RETRY_AFTER),
      })
    case 'ratelimited-soft':
      return answerJson(response, 200, ratelimited, scopes)
    case '500':
      return answerText(response, 500, 'Internal Server Error\n')
    case 'timeout':
  }
}
