import type { Clock } from '#access/ports.ts'
import type { Exchange } from '../exchange.ts'
import type { Identified, Identities } from '../identities.ts'

/** Who a token proves: at once where it was verified lately, otherwise once it is. */
export const createIdentifyByToken =
  (identities: Pick<Identities, 'known' | 'verify'>) =>
  (token: string, at: number): Identified | Promise<Identified> => {
    if (token === '') return nobody
    const known = identities.known(token, at)
    return known === undefined ? identities.verify(token) : { identity: known }
  }

const nobody: Identified = { refused: 'token-missing' }

/** Finds out who asks, and goes on with that: without a promise where it is known. */
export const createIdentify =
  <One extends Exchange>(
    whoAsks: (exchange: One) => Identified | Promise<Identified>,
    { clock, alarm }: { readonly clock: Clock; readonly alarm: (what: string, facts: Facts) => void },
    goOn: (exchange: One, result: Identified) => void,
  ) =>
  (exchange: One): void => {
    const result = whoAsks(exchange)
    if (!(result instanceof Promise)) return goOn(exchange, result)
    result.then(
      (found) => {
        exchange.now = clock.now()
        goOn(exchange, found)
      },
      (error: Error) => {
        alarm('a step failed', { error: error.message })
        goOn(exchange, { refused: 'identity-unavailable' })
      },
    )
  }

type Facts = Record<string, unknown>
