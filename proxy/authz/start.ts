import { auditLine } from '#access/domain/audit-record.ts'
import { reasons } from '#access/domain/reasons.ts'
import { listen } from '#access/runtime/listen.ts'
import type { AuthzSettings } from './config.ts'
import { createFrontCheck } from './front.ts'
import { type AuthzParts, createAuthz } from './handle.ts'
import { createAuthzServer } from './server.ts'

/** The decision endpoint, listening on an address of its own, for front proxies that forward by themselves. */
export const startAuthz = (
  { listen: at, secrets, tls }: AuthzSettings,
  parts: AuthzParts,
  mayAnswerLast: () => boolean,
) => {
  const reason = 'front-unknown'
  const turnedAway = (client: string): void => {
    parts.metrics.refused(reason)
    parts.audit.append(
      auditLine({
        kind: 'refused',
        at: parts.clock.now(),
        id: parts.nextId(),
        reason,
        status: reasons[reason].status,
        client,
        method: '',
        host: '',
        path: '',
        rules: parts.rules.hash,
      }),
    )
  }
  return listen(
    createAuthzServer(createAuthz(parts, createFrontCheck({ secrets, tls })), turnedAway, tls, mayAnswerLast),
    at,
  )
}
