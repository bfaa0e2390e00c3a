import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Logger } from '#access/runtime/logger.ts'
import { countRefusals } from '../count-refusals.ts'
import { readBody } from '../read-body.ts'
import { incidentId } from './incident-job.ts'

/** V3 webhooks (https://developer.pagerduty.com/docs/webhooks-overview). Only what names the incident is read. */
const envelope = z.object({
  event: z.object({
    id: z.string(),
    event_type: z.string(),
    data: z.object({ id: z.string().optional(), incident: z.object({ id: z.string() }).optional() }),
  }),
})

/** Checked before a byte of the body is kept: whoever has no secret gets no memory of ours. */
const signatureShape = /^v1=[0-9a-f]{64}(?:, ?v1=[0-9a-f]{64}){0,9}$/

/**
 * Receives PagerDuty's webhooks: checks the signature, stores which incident to look at, answers 202. What can't be
 * stored gets 503, so that PagerDuty comes again. What can't be verified gets 202 and an alarm all the same: three
 * refusals in a row would make PagerDuty disable the subscription for a day.
 */
export const createWebhook = ({
  webhookSecrets,
  store,
  log,
  now = () => 0,
}: {
  readonly webhookSecrets: readonly string[]
  readonly store: (incident: string, delivery: string) => Promise<void>
  readonly log: Logger
  /** Milliseconds. Only for how often refusals are logged: without it, so many in all. */
  readonly now?: () => number
}) => {
  const count = countRefusals(now)

  /** Counted in memory only. */
  const quarantine = (why: string, facts: Record<string, unknown>): void =>
    count((unverified) => log.error({ ...facts, why, unverified }, 'a webhook was quarantined'))

  const receive = async (request: IncomingMessage): Promise<number> => {
    const signature = String(request.headers['x-pagerduty-signature'] ?? '')
    if (!signatureShape.test(signature)) {
      quarantine('signature', {})
      return 202
    }
    const body = await readBody(request)
    if (body === 'too large' || body === 'cut off') {
      quarantine(body, {})
      return 202
    }
    if (!signedBy(webhookSecrets, body, signature)) {
      quarantine('signature', { bytes: body.length })
      return 202
    }
    const parsed = envelope.safeParse(parseJson(body))
    if (!parsed.success) {
      quarantine('shape', { bytes: body.length })
      return 202
    }
    const { id, event_type: type, data } = parsed.data.event
    const incident = type.startsWith('incident.') ? (data.incident?.id ?? data.id) : undefined
    if (incident === undefined || !incidentId.test(incident)) {
      log.info({ event: id, type }, 'a webhook about no incident')
      return 202
    }
    log.info({ event: id, type, incident }, 'a webhook')
    // The event's id is part of what is signed, X-Webhook-Id is not.
    await store(incident, createHash('sha256').update(id).digest('hex').slice(0, 32))
    return 202
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    receive(request).then(
      (status) => response.writeHead(status).end(),
      (error: Error) => {
        log.error({ error: error.message }, 'a webhook could not be stored')
        response.writeHead(503, { 'retry-after': '5' }).end()
      },
    )
  }
}

/** The header holds one signature per secret while PagerDuty's are being rotated; ours may be several too. */
const signedBy = (all: readonly string[], body: Buffer, header: string): boolean => {
  const given = header.split(',', 10).map((part) => Buffer.from(part.trim()))
  return all.some((secret) => {
    const expected = Buffer.from(`v1=${createHmac('sha256', secret).update(body).digest('hex')}`)
    return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))
  })
}

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
