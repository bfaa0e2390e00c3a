import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { BadInput } from './control/bad-input.ts'
import type { Answer, Call, Fields, Sandbox } from './control/call.ts'
import { guard } from './control/guard.ts'
import { helpText } from './control/help.ts'
import { rotateKeys, withdrawKeys } from './control/idp.ts'
import {
  addResponder,
  answerAsResponder,
  changePriority,
  changeUrgency,
  delegateIncident,
  mergeIncident,
  reopenIncident,
  unacknowledgeIncident,
} from './control/incident-changes.ts'
import {
  acknowledgeIncident,
  escalateIncident,
  listIncidents,
  reassignIncident,
  resolveIncident,
  resolveNewest,
} from './control/incidents.ts'
import { changeOnCall, listOnCall } from './control/on-call.ts'
import { page } from './control/page.ts'
import { failPagerDuty } from './control/pagerduty-failures.ts'
import { requests } from './control/requests.ts'
import { readChannel, readDirectMessages, readPrivate, sendCommand } from './control/slack.ts'
import { click } from './control/slack-click.ts'
import { failSlack, refreshSockets } from './control/slack-faults.ts'
import { token } from './control/token.ts'
import {
  disableWebhooks,
  enableWebhooks,
  holdWebhooks,
  pingWebhook,
  releaseWebhooks,
  repeatWebhook,
  webhooks,
} from './control/webhooks.ts'
import { answerJson, answerText } from './http/answer.ts'
import { mediaType, readBody } from './http/body.ts'
import { type Listening, listen } from './http/listen.ts'
import { serve } from './http/serve.ts'
import { PagerDutyError } from './pagerduty/pagerduty-error.ts'

const calls: readonly Call[] = [
  page,
  listIncidents,
  acknowledgeIncident,
  reassignIncident,
  escalateIncident,
  resolveIncident,
  resolveNewest,
  mergeIncident,
  addResponder,
  answerAsResponder,
  reopenIncident,
  unacknowledgeIncident,
  changeUrgency,
  changePriority,
  delegateIncident,
  listOnCall,
  changeOnCall,
  failPagerDuty,
  sendCommand,
  click,
  readChannel,
  readDirectMessages,
  readPrivate,
  failSlack,
  refreshSockets,
  token,
  rotateKeys,
  withdrawKeys,
  requests,
  webhooks,
  enableWebhooks,
  disableWebhooks,
  pingWebhook,
  holdWebhooks,
  releaseWebhooks,
  repeatWebhook,
]

/** The control API: makes things happen in the sandbox, and tells what did. */
export const startControl = (sandbox: Sandbox, port: number): Promise<Listening> =>
  listen(
    serve((request, response) => handle(sandbox, request, response)),
    port,
  )

const handle = async (
  sandbox: Sandbox,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const url = new URL(request.url ?? '/', 'http://control')
  const wantsJson =
    url.searchParams.has('json') || (request.headers.accept ?? '').includes('application/json')
  try {
    guard(request)
    const { text, json } = await answerCall(sandbox, request, url)
    if (wantsJson) answerJson(response, 200, json)
    else answerText(response, 200, `${text}\n`)
  } catch (error) {
    const { status, message } = asBadInput(error)
    if (wantsJson) answerJson(response, status, { error: message })
    else answerText(response, status, `${message}\n`)
  }
}

const answerCall = async (sandbox: Sandbox, request: IncomingMessage, url: URL): Promise<Answer> => {
  if (request.method === 'GET' && url.pathname === '/') {
    return { text: helpText(calls, `http://${request.headers.host}`), json: { calls } }
  }
  const { call, values } = findCall(request.method ?? '', url.pathname)
  const given = { ...Object.fromEntries(url.searchParams), ...parseBody(request, await readBody(request)) }
  const unknown = Object.keys(given).find((name) => name !== 'json' && !call.takes?.includes(name))
  if (unknown !== undefined) {
    const takes = call.takes ? `takes ${call.takes.map((name) => `${name}=`).join(', ')}` : 'takes no fields'
    throw new BadInput(`${call.method} ${call.path} does not know ${unknown}=: it ${takes}.`)
  }
  return call.answer(sandbox, { ...given, ...values })
}

const findCall = (method: string, path: string): { readonly call: Call; readonly values: Fields } => {
  const matching = calls.flatMap((call) => {
    const values = matchPath(call.path, path)
    return values ? [{ call, values }] : []
  })
  const found = matching.find(({ call }) => call.method === method)
  if (found) return found
  const other = matching[0]
  if (other) throw new BadInput(`${path} takes ${other.call.method}, not ${method}.`, 405)
  const list = calls.map((call) => `${call.method} ${call.path}`).join(', ')
  throw new BadInput(`There is no ${path}. There is: ${list}. GET / explains them.`, 404)
}

/** The values of `{…}` in the pattern, or undefined when the path is another one. */
const matchPath = (pattern: string, path: string): Fields | undefined => {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const values: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    if (part.startsWith('{')) values[part.slice(1, -1)] = decodeURIComponent(value)
    else if (part !== value) return undefined
  }
  return values
}

const jsonBody = z.record(z.string(), z.union([z.string(), z.number()]).transform(String))

const parseBody = (request: IncomingMessage, body: string): Fields => {
  if (body === '') return {}
  if (mediaType(request) !== 'application/json') return Object.fromEntries(new URLSearchParams(body))
  try {
    return jsonBody.parse(JSON.parse(body))
  } catch {
    throw new BadInput('The body is not a JSON object of texts, like {"service":"orders-svc"}.')
  }
}

const asBadInput = (error: unknown): { readonly status: number; readonly message: string } => {
  if (error instanceof BadInput) return error
  if (error instanceof PagerDutyError) {
    return { status: 409, message: `PagerDuty says: ${[error.message, ...error.details].join(': ')}.` }
  }
  if (error instanceof URIError) return { status: 400, message: 'The path is not percent-encoded properly.' }
  throw error
}
