import type { IncomingMessage, ServerResponse } from 'node:http'
import { type App, isValidSlackRequest, type Receiver } from '@slack/bolt'
import type { Logger } from '#access/runtime/logger.ts'
import { countRefusals } from '../count-refusals.ts'
import { readBody } from '../read-body.ts'
import { lateAnswer, putOffAnswer } from './put-off.ts'

/** Slack's own tolerance, applied in both directions: Bolt alone accepts any time in the future. */
const windowMs = 300_000
/** Slack shows the person an error after 3 s (https://docs.slack.dev/interactivity/implementing-slash-commands). */
const answerWithinMs = 2_900
/** Bolt's check reads no further than a second `=`, so that one signature could be written in many ways. */
const signatureShape = /^v0=[0-9a-f]{64}$/

export type Seen = {
  /** True the first time an id is given, false for as long as it is remembered. Rejects when that can't be known. */
  readonly first: (id: string) => Promise<boolean>
}

/**
 * Slack's HTTP requests for Bolt. Bolt's own receiver knows one signing secret, accepts replays and future times,
 * and refuses forms with a charset; this one checks those itself, with Bolt's own signature check.
 */
export const createSlackReceiver = ({
  signingSecrets,
  seen,
  clickPutOff,
  now,
  log,
}: {
  readonly signingSecrets: readonly string[]
  readonly seen: Seen
  /** Told what a person did that was put off, other than a command: it has to be said in another way. */
  readonly clickPutOff?: (body: Record<string, unknown>, error: Error) => void
  readonly now: () => number
  readonly log: Logger
}) => {
  let app: App | undefined

  const count = countRefusals(now)
  const refuse = (response: ServerResponse, reason: string, status = 401): void => {
    count((refused) => log.warn({ reason, refused }, 'a message to the Slack endpoint was refused'))
    answer(response, status)
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = {
      'x-slack-signature': String(request.headers['x-slack-signature'] ?? ''),
      'x-slack-request-timestamp': Number(request.headers['x-slack-request-timestamp'] ?? Number.NaN),
    }
    // Checked before a byte of the body is kept: whoever has no secret gets no memory of ours.
    if (!signatureShape.test(headers['x-slack-signature'])) return refuse(response, 'no signature')
    const body = await readBody(request)
    if (body === 'too large') return refuse(response, body, 413)
    if (body === 'cut off') return refuse(response, body, 400)
    const text = body.toString('utf8')
    const nowMilliseconds = now()
    const age = nowMilliseconds - headers['x-slack-request-timestamp'] * 1_000
    const signed = signingSecrets.some((signingSecret) =>
      isValidSlackRequest({ signingSecret, body: text, headers, nowMilliseconds }),
    )
    if (!signed) return refuse(response, 'signature')
    if (!(Math.abs(age) <= windowMs)) return refuse(response, 'outside the time window')
    const parsed = parseBody(text, request.headers['content-type'] ?? '')
    if (parsed === undefined) return refuse(response, 'shape', 400)
    if (parsed['type'] === 'url_verification')
      return answer(response, 200, { challenge: parsed['challenge'] })
    // Slack looks at the certificate, and nobody asks for anything, whatever else the form holds.
    if (parsed['ssl_check'] !== undefined) return answer(response, 200)
    const isNew = await seen.first(`slack:${headers['x-slack-signature']}`).catch((error: Error) => {
      putOff(parsed, response, error)
    })
    if (isNew === undefined) return
    if (!isNew) return refuse(response, 'replayed', 200)
    await dispatch(parsed, request, response)
  }

  /** Redis can't say whether it is new. People are told in words; what is not of a person, Slack sends again. */
  const putOff = (body: Record<string, unknown>, response: ServerResponse, error: Error): void => {
    log.error({ error: error.message }, 'a message from Slack was put off')
    const told = putOffAnswer(body, error)
    answer(response, told === undefined ? 503 : 200, told)
    if (told === undefined) clickPutOff?.(body, error)
  }

  const dispatch = async (
    body: Record<string, unknown>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const late = setTimeout(() => {
      log.error('a message from Slack was not answered in time')
      const told = lateAnswer(body)
      answer(response, told === undefined ? 503 : 200, told)
    }, answerWithinMs)
    response.once('close', () => clearTimeout(late))
    const retry = request.headers['x-slack-retry-num']
    await app?.processEvent({
      body,
      ack: async (reply?: string | Record<string, unknown>) => answer(response, 200, reply),
      ...(retry === undefined ? {} : { retryNum: Number(retry) }),
    })
    if (!response.writableEnded) refuse(response, 'nobody listens', 404)
  }

  const receiver: Receiver = {
    init: (built) => {
      app = built
    },
    start: async () => undefined,
    stop: async () => undefined,
  }

  return {
    receiver,
    /** Never rejects. When Redis can't say whether the message is new, Slack is told to come again. */
    handle: (request: IncomingMessage, response: ServerResponse): void => {
      handle(request, response).catch((error: Error) => {
        log.error({ error: error.message }, 'a message from Slack could not be handled')
        answer(response, 503)
      })
    },
  }
}

const answer = (response: ServerResponse, status: number, body?: unknown): void => {
  if (response.headersSent) return
  if (body === undefined || body === '') response.writeHead(status).end()
  else if (typeof body === 'string')
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body)
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Slash commands are forms; interactions are forms with JSON in `payload`; events are JSON. */
const parseBody = (text: string, type: string): Record<string, unknown> | undefined => {
  try {
    if (type.startsWith('application/json')) return asRecord(JSON.parse(text))
    if (!type.startsWith('application/x-www-form-urlencoded')) return undefined
    const form = new URLSearchParams(text)
    const payload = form.get('payload')
    return payload === null ? Object.fromEntries(form) : asRecord(JSON.parse(payload))
  } catch {
    return undefined
  }
}

const asRecord = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
