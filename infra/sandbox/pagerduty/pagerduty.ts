import { type Listening, listen } from '../http/listen.ts'
import { serve } from '../http/serve.ts'
import { serviceWithId } from './account.ts'
import { incidentEnvelope, pingEnvelope } from './envelope.ts'
import type { Happening, IncidentEvent } from './incident-store.ts'
import { createIncidents } from './incidents.ts'
import { notFound } from './pagerduty-error.ts'
import { createFailures } from './rest/failures.ts'
import { createRestApi } from './rest/rest-api.ts'
import { createWebhooks } from './webhooks.ts'

export type PagerDutyOptions = {
  readonly token: string
  /** Where the one webhook subscription delivers; the secret may be several, comma-separated. */
  readonly webhook: { readonly url: string; readonly secret: string }
  readonly stateFile?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export const createPagerDuty = ({ token, webhook, stateFile, now = Date.now }: PagerDutyOptions) => {
  const webhooks = createWebhooks({ ...webhook, now })
  const incidents = createIncidents({
    stateFile,
    now,
    onEvent: (happening) => {
      const envelope = envelopeOf(happening)
      webhooks.send(envelope.event.event_type, happening.incident.id, envelope)
    },
  })
  const failures = createFailures()
  const answerRest = createRestApi({ incidents, webhooks, failures, token, now })
  let listening: Listening | undefined

  const envelopeOf = (happening: Happening) => {
    const { incident } = happening
    const service = serviceWithId(incident.service)
    if (!service) throw notFound()
    const into = incidents.all().find(({ id }) => id === incident.mergedInto)
    return incidentEnvelope(happening, service, into, now())
  }

  return {
    incidents,
    webhooks,
    ping: (): void => webhooks.send('pagey.ping', 'pagey', pingEnvelope(now())),

    /**
     * Sends the bot a webhook PagerDuty never sent, in the name of whoever changed the incident last, signed once per
     * secret given (none: unsigned). Nothing at PagerDuty knows of it. Resolves with the status of the answer.
     */
    forge(incident: string, event: IncidentEvent, secrets: readonly string[]): Promise<number | 'none'> {
      const found = incidents.find(incident)
      return webhooks.forge(envelopeOf({ event, incident: found, agent: found.statusChangedBy }), secrets)
    },

    /** Makes the REST API fail the next `count` requests (1) whose path begins with `path` (any). */
    fail: failures.add,
    /** Ends all failures asked for. */
    mend: failures.clear,

    async listen(port: number): Promise<Listening> {
      listening = await listen(serve(answerRest), port)
      return listening
    },

    async close(): Promise<void> {
      await Promise.all([listening?.close(), webhooks.close()])
    },
  }
}

export type PagerDuty = ReturnType<typeof createPagerDuty>
