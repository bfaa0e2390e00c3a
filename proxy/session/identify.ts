import type { Clock } from '#access/ports.ts'
import type { Exchange } from '../exchange.ts'
import type { Identified, Identity } from '../identities.ts'
import { readOrigin } from '../steps/read-origin.ts'
import type { Sessions } from './sessions.ts'

/** RFC 6265bis 4.1.1 and 5.6. Nothing else can be a session, so nobody is asked about it. */
const valueShape = /^[!#-+\--:<-[\]-~]{1,4096}$/

/** Who asks, where a request brings our cookie. `domain` is the rule set's. */
export const createIdentifyBySession =
  (sessions: Sessions, domain: string, clock: Clock) =>
  (exchange: Exchange, cookie: string): Identified | Promise<Identified> => {
    const { service, now } = exchange
    const refused = readOrigin(exchange)
    if (refused !== undefined) return { refused }
    if (service === undefined || !valueShape.test(cookie)) return over
    try {
      const found = sessions.of(cookie, `${service.name}.${domain}`, now)
      return found instanceof Promise
        ? found.then((identity) => running(identity, clock.now()))
        : running(found, now)
    } catch (error) {
      return Promise.reject(error)
    }
  }

const over: Identified = { refused: 'session-over' }

const running = (identity: Identity | undefined, now: number): Identified =>
  identity !== undefined && now < identity.validUntil ? { identity } : over
