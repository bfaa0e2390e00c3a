import { api } from '@pagerduty/pdjs'
import type { APIResponse } from '@pagerduty/pdjs/build/src/api.js'
import type { z } from 'zod'
import { Fault } from '../../domain/errors.ts'

const deadlineMs = 5_000
/** Bytes. A hundred log entries are some 200 kB. */
const longestAnswer = 4_000_000
/** A rate limit is counted per minute; an answer that does not say when it ends is waited out that long. */
const longestLimitMs = 60_000

/** PagerDuty did not answer, or answered with anything but success. */
export class PagerDutyFault extends Fault {
  /** The HTTP status; undefined when there was no answer that could be read. */
  readonly status: number | undefined
  /** Milliseconds to wait, when there were too many requests (429). */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { cause?: unknown; status?: number; retryAfterMs?: number } = {}) {
    super('pagerduty/failed', message, options)
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}

/**
 * PagerDuty's REST API through pdjs. What it gets wrong (time-outs, 4xx, rate limits, HTML answers) is put right
 * here. Paths begin with `/`. Rejects with a `PagerDutyFault`; a 404 to `get` is undefined.
 */
export const createRest = (baseUrl: string, token: string) => {
  const call = async (method: 'GET' | 'POST', path: string, more: object): Promise<APIResponse> => {
    const what = `${method} ${path}`
    try {
      return await (api as (parameters: object) => Promise<APIResponse>)({
        ...more,
        method,
        url: `${baseUrl.replace(/\/$/, '')}${path}`,
        token,
        // pdjs only starts a timer with this and never acts on it, which would keep the process alive.
        requestTimeout: 0,
        // It asks again three times after a 429, deaf to the signal meanwhile. Soon, so that the answer gets here.
        retryTimeout: 100,
        signal: AbortSignal.timeout(deadlineMs),
        // Options of node-fetch, which pdjs hands on: the token goes nowhere else, and an answer has an end.
        redirect: 'error',
        size: longestAnswer,
      })
    } catch (error) {
      if (error instanceof Error)
        throw new PagerDutyFault(`PagerDuty did not answer ${what}: ${error.message}`, { cause: error })
      // An answer that is not JSON rejects with the response itself.
      throw refused(what, error as Response)
    }
  }

  const read = <T extends z.ZodType>(what: string, response: APIResponse, shape: T): z.output<T> => {
    if (!response.ok) throw refused(what, response)
    const parsed = shape.safeParse(response.data)
    if (!parsed.success) throw new PagerDutyFault(`PagerDuty's answer to ${what} has another shape`)
    return parsed.data
  }

  return {
    get: async <T extends z.ZodType>(path: string, shape: T): Promise<z.output<T> | undefined> => {
      const response = await call('GET', path, {})
      return response.status === 404 ? undefined : read(`GET ${path}`, response, shape)
    },
    post: async <T extends z.ZodType>(
      path: string,
      body: object,
      headers: Readonly<Record<string, string>> | undefined,
      shape: T,
    ): Promise<z.output<T>> =>
      read(`POST ${path}`, await call('POST', path, { data: body, headers: headers ?? {} }), shape),
  }
}
export type PagerDutyRest = ReturnType<typeof createRest>

const refused = (what: string, { status, headers }: Response): PagerDutyFault =>
  new PagerDutyFault(`PagerDuty answered ${status} to ${what}`, {
    status,
    ...(status === 429 ? { retryAfterMs: waitMs(headers) } : {}),
  })

/** https://developer.pagerduty.com/docs/rest-api-rate-limits: `ratelimit-reset` is in seconds from now. */
const waitMs = (headers: Headers): number => {
  const seconds = Number(headers.get('retry-after') ?? headers.get('ratelimit-reset') ?? Number.NaN)
  return seconds > 0 ? Math.min(seconds * 1_000, longestLimitMs) : longestLimitMs
}
