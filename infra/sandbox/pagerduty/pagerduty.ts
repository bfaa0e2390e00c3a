import { type Listening, listen } from '../http/listen.ts'
import { serve } from '../http/serve.ts'
import { serviceWithId } from './account.ts'
import { incidentEnvelope, pingEnvelope } from './envelope.ts'
import { createIncidents } from './incidents.ts'
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
    onEvent: (event, incident, agent) => {
      const service = serviceWithId(incident.service)
      if (!service) return
      const envelope = incidentEnvelope(event, incident, service, agent, now())
      webhooks.send(envelope.event.event_type, incident.id, envelope)
    },
  })
  const answerRest = createRestApi(incidents, token, now)
  let listening: Listening | undefined

  return {
    incidents,
    webhooks,
    ping: (): void => webhooks.send('pagey.ping', 'pagey', pingEnvelope(now())),

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
