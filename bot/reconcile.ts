import type { Registry } from 'prom-client'
import { createOpenIncidents } from '#access/adapters/pagerduty/open-incidents.ts'
import {
  type DeliveryState,
  deliveries,
  deliveryOf,
  listSubscriptions,
} from '#access/adapters/pagerduty/subscriptions.ts'
import { keepDuty } from '#access/adapters/redis/duty.ts'
import { names } from '#access/adapters/redis/names.ts'
import { kidOf, type Statements } from '#access/adapters/statements.ts'
import type { Confirmations } from '#access/domain/confirmation.ts'
import {
  type Reconciled,
  type ReconcileParts,
  reconcileIncidents,
} from '#access/operations/reconcile-incidents.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { addCounts, addGauge, addGauges } from '#access/runtime/metrics.ts'
import { tellDelivery, type WatchDeliveryParts } from './pagerduty/watch-delivery.ts'

/** Twice in the minute within which what was missed has to be found: half is for whoever takes over. */
export const reconcileEveryMs = 30_000
/** What PagerDuty has not answered by then is left for the next time. */
const askWithinMs = 25_000

export type ReconcilingParts = Omit<ReconcileParts, 'openIncidents' | 'before' | 'confirm'> &
  WatchDeliveryParts & {
    readonly api: { readonly url: string; readonly token: string }
    readonly statements: Statements
    readonly confirmations: Confirmations
    readonly holder: string
    readonly log: Logger
    readonly everyMs?: number
  }

/** One bot of all asks PagerDuty again and again what was missed, and attests what it confirms. */
export const startReconciling = (parts: ReconcilingParts) => {
  const { api, statements, confirmations, redis, holder, alarm, log, clock } = parts
  const openIncidents = createOpenIncidents(api.url, api.token, clock.now)
  let delivery: DeliveryState | undefined
  let last: Reconciled | undefined
  let failures = 0
  let found = 0

  const duty = keepDuty({
    redis,
    duty: 'incidents',
    holder,
    everyMs: parts.everyMs ?? reconcileEveryMs,
    alarm,
    run: async ({ put, over }) => {
      const late = AbortSignal.any([over, AbortSignal.timeout(askWithinMs)])
      try {
        const reconciled = await reconcileIncidents(
          {
            ...parts,
            openIncidents,
            before: confirmations.newest,
            confirm: async (confirmation) => {
              const statement = await statements.sign('confirmation', confirmation)
              if (!(await put(names.incidentsConfirmed, statement)) || statements.isRevoked(statement)) return
              confirmations.put(confirmation, clock.now(), kidOf(statement))
            },
          },
          over,
          late,
        )
        if (!reconciled.whole && last?.whole !== false)
          alarm('PagerDuty has more open than can be listed, or what can’t be read', { ...reconciled })
        if (reconciled.missed > 0) log.warn({ ...reconciled }, 'PagerDuty told of what no webhook had')
        found += reconciled.missed
        last = reconciled
        delivery = deliveryOf(await listSubscriptions(api.url, api.token))
        if (!over.aborted) await tellDelivery(parts, delivery)
      } catch (error) {
        failures += 1
        throw error
      }
    },
  })

  return {
    /** For readiness: when PagerDuty last confirmed everything, by whichever bot. */
    facts: (): Readonly<Record<string, unknown>> => {
      const at = confirmations.newest()?.at
      return { reconciled_at: at === undefined ? null : new Date(at).toISOString() }
    },
    measure: (registry: Registry): void => {
      addConfirmed(registry, confirmations, clock.now)
      addGauge(registry, 'pagepass_reconciles', '1 in the one bot that reconciles with PagerDuty', () =>
        duty.mine() ? 1 : 0,
      )
      addGauges(registry, {
        name: 'pagepass_webhooks',
        help: 'How PagerDuty delivers webhooks, 1 for the state that holds; in the bot that reconciles',
        label: 'state',
        read: () =>
          duty.mine() && delivery !== undefined
            ? deliveries.map((state) => [state, state === delivery ? 1 : 0] as const)
            : [],
      })
      addCounts(registry, {
        name: 'pagepass_reconciled_total',
        help: 'What this bot found when it reconciled: incidents with something missed, and runs that failed',
        label: 'what',
        read: () => [
          ['missed', found],
          ['failed', failures],
        ],
      })
    },
    stop: duty.stop,
  }
}

const addConfirmed = (registry: Registry, confirmations: Confirmations, now: () => number): void =>
  addGauge(
    registry,
    'pagepass_incidents_confirmed_age_seconds',
    'Since PagerDuty last confirmed the incidents of passes; -1 where it never did',
    () => {
      const at = confirmations.newest()?.at
      return at === undefined ? -1 : Math.max(0, now() - at) / 1_000
    },
  )
