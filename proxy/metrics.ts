import type { Registry } from 'prom-client'
import type { AuditLog } from '#access/adapters/audit-log.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import type { View } from '#access/domain/view.ts'
import { BucketHistogram, createBuckets } from '#access/runtime/buckets.ts'
import { addCounts, addGauge, addGauges, addLoopDelay, addMode } from '#access/runtime/metrics.ts'
import type { GrantUse } from './exchange.ts'
import type { Identities } from './identities.ts'
import { type Mode, modes } from './mode.ts'

/** What is read when Prometheus asks. */
export type Measured = {
  readonly view: Pick<View, 'age'>
  readonly audit: Pick<AuditLog, 'pending'>
  readonly identities: Pick<Identities, 'size'>
  readonly uses: { readonly all: () => Iterable<Pick<GrantUse, 'open'>> }
  readonly now: () => number
  readonly mode: () => Mode
}

const untimed = -1

/**
 * What this proxy counts: plain numbers, which Prometheus's own come from when it asks. A request costs two looks at the
 * stopwatch (milliseconds): half of them are timed on their way to the service, the others at the service.
 */
export const createProxyMetrics = (stopwatch: () => number) => {
  const added = createBuckets()
  const upstream = createBuckets()
  const refused = Object.fromEntries(Object.keys(reasons).map((reason) => [reason, 0])) as Record<
    Reason,
    number
  >
  let admitted = 0
  let cutRequests = 0
  let cutWebSockets = 0
  let failed = 0
  let late = 0
  // Which half a request is of depends on nothing that a client could time its own by (xorshift, Marsaglia 2003).
  let dice = 0x2545f491

  return {
    /** A request is here. What it answers with goes to `sent`. */
    arrived: (): number => {
      dice ^= dice << 13
      dice ^= dice >>> 17
      dice ^= dice << 5
      return (dice & 1) === 0 ? stopwatch() : untimed
    },
    /** It goes to the service. What this answers with goes to `answered`. */
    sent: (arrivedAt: number): number => {
      const now = stopwatch()
      if (arrivedAt === untimed) return now
      added.observe((now - arrivedAt) / 1_000)
      return untimed
    },
    /** The service began to answer. */
    answered: (sentAt: number): void => {
      if (sentAt !== untimed) upstream.observe((stopwatch() - sentAt) / 1_000)
    },
    admitted: (): void => {
      admitted += 1
    },
    refused: (reason: Reason): void => {
      refused[reason] += 1
    },
    /** The service did not answer, in time or at all, or not to the end. */
    upstreamFailed: (wasLate: boolean): void => {
      if (wasLate) late += 1
      else failed += 1
    },
    /** It was ended with what admitted it. */
    cut: (wasWebSocket: boolean): void => {
      if (wasWebSocket) cutWebSockets += 1
      else cutRequests += 1
    },
    /** Lets a registry read all of it. */
    register: (registry: Registry, { view, audit, identities, uses, now, mode }: Measured): void => {
      addCounts(registry, {
        name: 'pagepass_decisions_total',
        help: 'Requests by what was decided on them: admitted, or the reason of the refusal',
        label: 'reason',
        read: () => [['admitted', admitted], ...Object.entries(refused)],
      })
      addCounts(registry, {
        name: 'pagepass_upstream_errors_total',
        help: 'Requests that a service did not answer to the end, or not in time',
        label: 'kind',
        read: () => [
          ['failed', failed],
          ['late', late],
        ],
      })
      addCounts(registry, {
        name: 'pagepass_cuts_total',
        help: 'Requests and WebSockets that were ended with what admitted them',
        label: 'kind',
        read: () => [
          ['request', cutRequests],
          ['websocket', cutWebSockets],
        ],
      })
      new BucketHistogram(
        registry,
        'pagepass_added_seconds',
        'From the headers of a request to its going upstream, of about half the requests',
        added,
      )
      new BucketHistogram(
        registry,
        'pagepass_upstream_seconds',
        'From a request’s going upstream to the headers of its answer, of about half the requests',
        upstream,
      )
      addGauges(registry, {
        name: 'pagepass_open',
        help: 'Admitted requests and WebSockets under way',
        label: 'kind',
        read: () => openIn(uses.all()),
      })
      addGauge(
        registry,
        'pagepass_view_age_seconds',
        'How long ago the newest signed head was signed; +Inf before the first',
        () => view.age(now()) / 1_000,
      )
      addMode(registry, modes, () => mode().mode)
      addGauge(
        registry,
        'pagepass_closed_tiers',
        'How many tiers are closed, of some service at least, because the view is too old for them',
        () => mode().closed.length,
      )
      addGauge(
        registry,
        'pagepass_audit_pending_bytes',
        'Bytes of the audit log that are not written yet',
        () => audit.pending().bytes,
      )
      addGauge(
        registry,
        'pagepass_audit_pending_records',
        'Records that a request waits for to be written, or to survive a power cut',
        () => audit.pending().waiting,
      )
      addGauge(
        registry,
        'pagepass_identities_cached',
        'Tokens that need not be verified again yet',
        identities.size,
      )
      addLoopDelay(registry)
    },
  }
}
export type ProxyMetrics = ReturnType<typeof createProxyMetrics>

const openIn = (uses: Iterable<Pick<GrantUse, 'open'>>): [string, number][] => {
  let requests = 0
  let webSockets = 0
  for (const { open } of uses)
    for (const { tunnel } of open)
      if (tunnel === undefined) requests += 1
      else webSockets += 1
  return [
    ['request', requests],
    ['websocket', webSockets],
  ]
}
