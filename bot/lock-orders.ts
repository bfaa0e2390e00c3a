import type { IncomingMessage, ServerResponse } from 'node:http'
import { kidOf, type Statements } from '#access/adapters/statements.ts'
import { isFault } from '#access/domain/errors.ts'
import { orderLastsMs } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { type LockParts, lockPrincipal } from '#access/operations/lock-principal.ts'
import type { Directory, Receipts } from '#access/ports.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { countRefusals } from './count-refusals.ts'
import { readBody } from './read-body.ts'

export type LockOrderParts = LockParts & {
  readonly rules: RuleSet
  readonly directory: Directory
  readonly receipts: Receipts
  readonly statements: Statements
  readonly log: Logger
}

type Answer = { readonly status: number; readonly body: object }

/** Far more than an order has. */
const mostBytes = 4_096

const refused = (why: string, status = 403): Answer => ({ status, body: { refused: why } })

/**
 * What `pagepass lock` sends: an order to lock somebody out, signed by the key that may do nothing else. Whoever brings it
 * needs no other right. One that is not of these minutes, or older than what is known of them, is somebody's who kept it.
 */
export const createLockOrders = (parts: LockOrderParts) => {
  const { rules, directory, receipts, statements, locks, live, clock, log } = parts
  const count = countRefusals(clock.now)

  const carryOut = async (statement: string): Promise<Answer> => {
    const order = await statements.verify('lock-order', statement)
    const now = clock.now()
    if (!(Math.abs(now - order.at) <= orderLastsMs))
      return refused('the order is too old, or from the future')
    const principal = { issuer: rules.identity.issuer, subject: order.subject }
    const key = principalKey(principal)
    await live.catchUp()
    const known = locks.of(key)
    if (known !== undefined && known.state === 'free' && order.at <= known.at)
      return refused('they were let in again after the order')
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

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    // Before a byte is kept: whoever has no key gets no memory of ours.
    if (!(Number(request.headers['content-length']) <= mostBytes)) return refused('too large', 413)
    const body = await readBody(request)
    if (body === 'too large' || body === 'cut off') return refused(body, 400)
    try {
      return await carryOut(body.toString('utf8').trim())
    } catch (error) {
      if (isFault(error, 'statement/invalid')) return refused('the order does not verify')
      log.error({ err: error }, 'an order to lock somebody out failed')
      return refused('it could not be done now', 503)
    }
  }

  /** Never rejects. */
  return (request: IncomingMessage, response: ServerResponse): void => {
    void answer(request).then(({ status, body }) => {
      if (status !== 200)
        count((all) => log.warn({ ...body, refusals: all }, 'an order to lock somebody out was refused'))
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  }
}
