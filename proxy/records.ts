import type { AuditLog, Written } from '#access/adapters/audit-log.ts'
import { admittedLine, auditLine, clip, closedLine } from '#access/domain/audit-record.ts'
import type { Allowed } from '#access/domain/decision.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { principalKey } from '#access/domain/principal.ts'
import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { View } from '#access/domain/view.ts'
import type { Clock } from '#access/ports.ts'
import type { Exchange, Outcome } from './exchange.ts'
import type { ProxyMetrics } from './metrics.ts'
import { brokenGlass } from './steps/admission-terms.ts'

/** What is known of a request that was refused. Whatever a client chose is cut to a length that a record may have. */
export type Refused = {
  /** Its own, where it had none yet. */
  readonly id?: string
  readonly reason: Reason
  /** What was answered. */
  readonly status: number
  readonly client: string | undefined
  readonly method?: string | undefined
  readonly host?: string
  /** Without its query. */
  readonly path?: string
  /** `principalKey`. */
  readonly who?: string | undefined
  readonly held?: HeldGrant | undefined
  readonly front?: string | undefined
}

/** What a front proxy asked about, in whose words, and when it was decided. */
export type Asked = {
  readonly at: number
  readonly id: string
  readonly method: string
  readonly path: string
  readonly client: string
  readonly front: string
}

/** What may change something waits until its record would survive a power cut. */
const mayChange = (method: string): boolean => method !== 'GET' && method !== 'HEAD'

/** What the audit says of requests, and the metrics with it. */
export const createRecords = ({
  audit,
  metrics,
  clock,
  rules,
  view,
  nextId,
}: {
  readonly audit: Pick<AuditLog, 'append'>
  readonly metrics: ProxyMetrics
  readonly clock: Clock
  readonly rules: Pick<RuleSet, 'hash'>
  readonly view: Pick<View, 'age'>
  readonly nextId: () => string
}) => ({
  refused: ({
    id = nextId(),
    reason,
    status,
    client = '',
    method = '',
    host = '',
    path = '',
    who,
    held,
    front,
  }: Refused): void => {
    metrics.refused(reason)
    audit.append(
      auditLine({
        kind: 'refused',
        at: clock.now(),
        id,
        reason,
        status,
        client,
        method: clip(method),
        host: clip(host),
        path: clip(path),
        ...(who === undefined ? {} : { who }),
        ...(held === undefined ? {} : { grant: held.grant.id }),
        ...(front === undefined ? {} : { front }),
        rules: rules.hash,
      }),
    )
  },
  /** `written` is told once it is. */
  admitted: ({ now, id, method, path, request }: Exchange, terms: string, written: Written): void => {
    metrics.admitted()
    const client = request.socket.remoteAddress ?? ''
    const line = admittedLine({ at: now, id, method, path, client, viewAge: view.age(now) }, terms)
    audit.append(line, mayChange(method), written)
  },
  /** What a front proxy asked, and may do; whether it then does is not known here. */
  decided: (asked: Asked, who: string, allowed: Allowed, written: Written): void => {
    const { at, id, method, path, client, front } = asked
    const { service, held, tier, pattern } = allowed
    const line = auditLine({
      kind: 'decided',
      at,
      id,
      method,
      path,
      client,
      viewAge: view.age(at),
      front,
      who,
      service: service.name,
      tier: tier.name,
      pattern: pattern.text,
      grant: held.grant.id,
      version: held.grant.version,
      ...brokenGlass(held.grant),
      rules: rules.hash,
    })
    audit.append(line, mayChange(method), written)
  },
  /** A pass that was signed offline, before the first request by it; `written` is told once it is. */
  brokeGlass: ({ grant, statement }: HeldGrant, written: Written): void => {
    const { id, who, services, tier, from, until, why } = grant
    const line = auditLine({
      kind: 'break-glass',
      at: clock.now(),
      grant: id,
      who: principalKey(who),
      services,
      tier,
      from,
      until,
      because: why.kind === 'break-glass' ? why.reason : '',
      keys: brokenGlass(grant).breakGlass ?? [],
      statement,
      rules: rules.hash,
    })
    audit.append(line, true, written)
  },
  continued: ({ now, id }: Exchange, { grant }: HeldGrant): void =>
    audit.append(
      auditLine({
        kind: 'continued',
        at: now,
        id,
        grant: grant.id,
        version: grant.version,
        rules: rules.hash,
      }),
    ),
  closed: ({ id, bytes, startedAt }: Exchange, outcome: Outcome, status: number): void => {
    const now = clock.now()
    audit.append(closedLine({ at: now, id, outcome, status, bytes, ms: now - startedAt, rules: rules.hash }))
  },
})
export type Records = ReturnType<typeof createRecords>
