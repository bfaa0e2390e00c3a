import { listen } from '#access/runtime/listen.ts'
import { createProxyServer } from '../server.ts'
import { keepPair, type Log } from '../tls/keep-pair.ts'
import type { AddressGuard } from '../upstream-address.ts'
import { tunnelAnswer } from './answer.ts'
import { createEgressCalls, type EgressParts } from './calls.ts'
import { type EgressSettings, egressTlsNames } from './config.ts'
import { createOutsideGuard } from './outside-guard.ts'

const sweepMs = 200

export type EgressStart = Omit<EgressParts, 'guard'> & {
  readonly guard: AddressGuard
  readonly log: Log
  /** Records bytes that were no request. */
  readonly unreadable: (client: string, status: number) => void
  readonly mayAnswerLast: () => boolean
}

/** The forward proxy for calls to the outside, on an address of its own. It takes calls once `listen` was called. */
export const startEgress = async ({ listen: at, tls: files }: EgressSettings, parts: EgressStart) => {
  const { clock, log, guard, unreadable, mayAnswerLast } = parts
  const calls = createEgressCalls({ ...parts, guard: createOutsideGuard(guard) })
  const tls = files === undefined ? undefined : await keepPair(files, clock, log, undefined, egressTlsNames)
  const server = createProxyServer(
    calls.handle,
    calls.tunnelRefused,
    unreadable,
    undefined,
    mayAnswerLast,
    tls,
    tunnelAnswer(),
  )
  const sweep = setInterval(() => calls.sweep(clock.now()), sweepMs)
  sweep.unref()
  let listening: Awaited<ReturnType<typeof listen>> | undefined

  return {
    ...calls,
    /** Resolves with the port. */
    listen: async (): Promise<number> => {
      listening = await listen(server, at)
      return listening.port
    },
    connections: (): number => listening?.connections() ?? 0,
    /** No new connection, and after a moment no new call. */
    drain: (): void => {
      listening?.takeNoMore(() => !mayAnswerLast())
      calls.lastAnswers()
    },
    stop: async (graceMs: number): Promise<void> => {
      await listening?.close(graceMs)
      clearInterval(sweep)
      await calls.close()
      await tls?.stop()
    },
  }
}
export type Egress = Awaited<ReturnType<typeof startEgress>>
