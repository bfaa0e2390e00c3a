import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerJson } from '../../http/answer.ts'
import { readBody } from '../../http/body.ts'
import { type User, userWithEmail } from '../account.ts'
import type { Incidents } from '../incidents.ts'
import { notFound, PagerDutyError } from '../pagerduty-error.ts'
import type { Webhooks } from '../webhooks.ts'
import { listAbilities } from './abilities.ts'
import { type Failures, failAs } from './failures.ts'
import { getIncident, listIncidents, mergeIncidents, updateIncident } from './incidents.ts'
import { getLogEntry, listLogEntries } from './log-entries.ts'
import { createNote, listNotes } from './notes.ts'
import { listOnCalls, listOverrides } from './oncalls.ts'
import { createRateLimit } from './rate-limit.ts'
import { requestResponders } from './responder-requests.ts'
import type { Route } from './route.ts'
import { getService, listServices } from './services.ts'
import { getUser, listUsers } from './users.ts'
import { enableSubscription, getSubscription, listSubscriptions } from './webhook-subscriptions.ts'

const routes: readonly Route[] = [
  listIncidents,
  getIncident,
  updateIncident,
  mergeIncidents,
  requestResponders,
  listLogEntries,
  getLogEntry,
  listNotes,
  createNote,
  listUsers,
  getUser,
  listServices,
  getService,
  listOnCalls,
  listOverrides,
  listAbilities,
  listSubscriptions,
  getSubscription,
  enableSubscription,
]

export type RestApiParts = {
  readonly incidents: Incidents
  readonly webhooks: Webhooks
  readonly failures: Failures
  readonly token: string
  readonly now: () => number
}

export const createRestApi = (parts: RestApiParts) => {
  const useAllowance = createRateLimit(parts.now)

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request)
    const { allowed, headers } = useAllowance()
    try {
      const failure = parts.failures.take(urlOf(request).pathname)
      if (failure) return failAs(failure, response)
      if (!allowed) throw new PagerDutyError(429, 2020, 'Rate Limit Exceeded')
      if (request.headers.authorization !== `Token token=${parts.token}`) {
        throw new PagerDutyError(401, 2006, 'Authentication failed')
      }
      answerJson(response, 200, answer(parts, request, body), headers)
    } catch (error) {
      if (!(error instanceof PagerDutyError)) throw error
      const { status, code, message, details } = error
      const errors = details.length > 0 && { errors: details }
      answerJson(response, status, { error: { message, code, ...errors } }, headers)
    }
  }
}

const urlOf = (request: IncomingMessage): URL => new URL(request.url ?? '/', 'http://pagerduty')

const answer = (
  { incidents, webhooks, now }: RestApiParts,
  request: IncomingMessage,
  body: string,
): object => {
  const { pathname, searchParams } = urlOf(request)
  const route = routes.find(({ method, path }) => method === request.method && path.test(pathname))
  if (!route) throw notFound()
  return route.answer({
    incidents,
    webhooks,
    now: now(),
    id: route.path.exec(pathname)?.[1] ?? '',
    query: searchParams,
    body: parseJson(body),
    from: () => requester(request),
  })
}

const requester = (request: IncomingMessage): User => {
  const { from } = request.headers
  if (from === undefined) {
    throw new PagerDutyError(400, 2011, 'You must specify a requester_id to perform this action')
  }
  const user = userWithEmail(from)
  if (!user) throw new PagerDutyError(400, 1008, 'Requester User Not Found')
  return user
}

const parseJson = (body: string): unknown => {
  if (body === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    throw new PagerDutyError(400, 2001, 'Invalid Input Provided', ['The body is not JSON'])
  }
}
