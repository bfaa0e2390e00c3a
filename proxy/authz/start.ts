import { reasons } from '#access/domain/reasons.ts'
import { listen } from '#access/runtime/listen.ts'
import { keepPair, type Log } from '../tls/keep-pair.ts'
import { type AuthzSettings, authzTlsNames } from './config.ts'
import { createFrontCheck } from './front.ts'
import { type AuthzParts, createAuthz } from './handle.ts'
import { createAuthzServer } from './server.ts'

/** The decision endpoint, listening on an address of its own, for front proxies that forward by themselves. */
export const startAuthz = async (
  { listen: at, secrets, tls }: AuthzSettings,
  parts: AuthzParts,
  mayAnswerLast: () => boolean,
  log: Log,
) => {
  const reason = 'front-unknown'
  const turnedAway = (client: string): void =>
    parts.records.refused({ reason, status: reasons[reason].status, client })
  const handle = createAuthz(parts, createFrontCheck({ secrets, tls }))
  const kept = tls && (await keepPair(tls, parts.clock, log, undefined, authzTlsNames))
  const listening = await listen(createAuthzServer(handle, turnedAway, kept, mayAnswerLast), at)
  return {
    ...listening,
    close: async (graceMs?: number): Promise<void> => {
      await listening.close(graceMs)
      await kept?.stop()
    },
  }
}
