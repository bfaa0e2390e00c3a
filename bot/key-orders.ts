import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Keys } from '#access/adapters/keys.ts'
import type { Statements } from '#access/adapters/statements.ts'
import { confirmedAs, questionLastsMs } from '#access/domain/revocation.ts'
import type { Clock, LiveGrants, Receipts } from '#access/ports.ts'
import type { keepGrants } from '#access/runtime/keep-grants.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { createTakeOrders, type OrderAnswer, refusedOrder } from './take-orders.ts'

export type KeyOrderParts = {
  readonly grants: Pick<Awaited<ReturnType<typeof keepGrants>>, 'revoke' | 'signedBy' | 'waitingFor'>
  readonly keys: Keys
  readonly statements: Statements
  readonly live: LiveGrants
  readonly receipts: Receipts
  readonly clock: Clock
  readonly log: Logger
}

/**
 * What `pagepass keys revoke` sends: that a key was revoked, or what would end if it were. Whoever brings it needs no other
 * right than that the key which revokes has signed it. A revocation never grows old, as it can't be taken back.
 */
export const createKeyOrders = (parts: KeyOrderParts) => {
  const { grants, keys, statements, live, receipts, clock, log } = parts
  const take = createTakeOrders(parts, 'an order to revoke a key')
  const roleOf = (kid: string) => keys.trusted.get(kid)?.role

  const carryOut = async (statement: string): Promise<OrderAnswer> => {
    const { kid, order, signed, left } = await grants.revoke(statement)
    log.warn({ kid, signed, left }, 'a key was revoked')
    const receipt = await receipts.of(confirmedAs(order), kid)
    return {
      status: 200,
      body: { revoked: kid, role: roleOf(kid), signed, left, receipt, waitingFor: grants.waitingFor() },
    }
  }

  const tell = async (statement: string): Promise<OrderAnswer> => {
    const { kid, at } = await statements.verify('revocation-question', statement)
    if (!(Math.abs(clock.now() - at) <= questionLastsMs))
      return refusedOrder('the question is too old, or from the future')
    await live.catchUp()
    const holds = [...keys.own.values()].some((own) => own.kid === kid)
    return {
      status: 200,
      body: {
        wouldRevoke: kid,
        role: roleOf(kid),
        already: keys.revoked.has(kid),
        heldByThisBot: holds,
        signed: grants.signedBy(kid),
      },
    }
  }

  return (request: IncomingMessage, response: ServerResponse, isQuestion: boolean): void =>
    take(request, response, isQuestion ? tell : carryOut)
}
