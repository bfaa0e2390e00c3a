import type { IncomingMessage, ServerResponse } from 'node:http'
import { kidOf, type Statements } from '#access/adapters/statements.ts'
import { orderLastsMs } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { type LockParts, lockPrincipal } from '#access/operations/lock-principal.ts'
import type { Directory, Receipts } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { createTakeOrders, type OrderAnswer, refusedOrder } from './take-orders.ts'

export type LockOrderParts = LockParts & {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly receipts: Receipts
  readonly statements: Statements
  readonly log: Logger
}

/**
 * What `pagepass lock` sends: an order to lock somebody out, signed by the key that may do nothing else. Whoever brings it
 * needs no other right. One that is not of these minutes, or older than what is known of them, is somebody's who kept it.
 */
export const createLockOrders = (parts: LockOrderParts) => {
  const { rules, directory, receipts, statements, locks, live, clock, log } = parts
  const take = createTakeOrders(parts, 'an order to lock somebody out')

  const carryOut = async (statement: string): Promise<OrderAnswer> => {
    const order = await statements.verify('lock-order', statement)
    const now = clock.now()
    if (!(Math.abs(now - order.at) <= orderLastsMs))
      return refusedOrder('the order is too old, or from the future')
    const principal = { issuer: rules.identity.issuer, subject: order.subject }
    const key = principalKey(principal)
    await live.catchUp()
    const known = locks.of(key)
    if (known !== undefined && known.state === 'free' && order.at <= known.at)
      return refusedOrder('they were let in again after the order')
    const { name } = directory.byPrincipal(key) ?? { name: order.subject }
    const by = { kind: 'key', kid: kidOf(statement) } as const
    const { lock, sequence, ended } = await lockPrincipal(parts, { ...principal, name }, by, order.because)
    log.warn({ lock: lock.id, subject: order.subject, kid: by.kid }, 'somebody was locked out by a key')
    const receipt = sequence === undefined ? undefined : await receipts.of(sequence, lock.id)
    return {
      status: 200,
      body: { locked: name, lock: lock.id, already: sequence === undefined, ended, receipt },
    }
  }

  return (request: IncomingMessage, response: ServerResponse): void => take(request, response, carryOut)
}
