import type { IncomingMessage, ServerResponse } from 'node:http'
import { isFault } from '#access/domain/errors.ts'
import type { Clock } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { countRefusals } from './count-refusals.ts'
import { readBody } from './read-body.ts'

export type OrderAnswer = { readonly status: number; readonly body: object }

/** Carries out a signed statement that somebody brought. Rejects with `statement/invalid` where it does not verify. */
export type CarryOut = (statement: string) => Promise<OrderAnswer>

/** Far more than an order has. */
const mostBytes = 4_096

export const refusedOrder = (why: string, status = 403): OrderAnswer => ({ status, body: { refused: why } })

/**
 * Takes orders over HTTP that carry their right with them: a statement as the body, and JSON as the answer. `what` names
 * them in the log: `an order to lock somebody out`. The answer to a request never rejects.
 */
export const createTakeOrders = (
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  what: string,
) => {
  const count = countRefusals(clock.now)

  const answer = async (request: IncomingMessage, carryOut: CarryOut): Promise<OrderAnswer> => {
    // Before a byte is kept: whoever has no key gets no memory of ours.
    if (!(Number(request.headers['content-length']) <= mostBytes)) return refusedOrder('too large', 413)
    const body = await readBody(request)
    if (body === 'too large' || body === 'cut off') return refusedOrder(body, 400)
    try {
      return await carryOut(body.toString('utf8').trim())
    } catch (error) {
      if (isFault(error, 'statement/invalid')) return refusedOrder('the order does not verify')
      log.error({ err: error }, `${what} failed`)
      return refusedOrder('it could not be done now', 503)
    }
  }

  return (request: IncomingMessage, response: ServerResponse, carryOut: CarryOut): void => {
    void answer(request, carryOut).then(({ status, body }) => {
      if (status !== 200) count((all) => log.warn({ ...body, refusals: all }, `${what} was refused`))
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  }
}
