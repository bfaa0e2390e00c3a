import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Keys } from '#access/adapters/keys.ts'
import type { Statements } from '#access/adapters/statements.ts'
import { isFault } from '#access/domain/errors.ts'
import { confirmedAs, questionLastsMs } from '#access/domain/revocation.ts'
import type { Clock, LiveGrants, Receipts } from '#access/ports.ts'
import type { keepGrants } from '#access/runtime/keep-grants.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { countRefusals } from './count-refusals.ts'
import { readBody } from './read-body.ts'

export type KeyOrderParts = {
  readonly grants: Pick<Awaited<ReturnType<typeof keepGrants>>, 'revoke' | 'signedBy' | 'waitingFor'>
  readonly keys: Keys
  readonly statements: Statements
  readonly live: LiveGrants
  readonly receipts: Receipts
  readonly clock: Clock
  readonly log: Logger
}

type Answer = { readonly status: number; readonly body: object }

/** Far more than an order has. */
const mostBytes = 4_096

const refused = (why: string, status = 403): Answer => ({ status, body: { refused: why } })

/**
 * What `pagepass keys revoke` sends: that a key was revoked, or what would end if it were. Whoever brings it needs no other
 * right than that the key which revokes has signed it. A revocation never grows old, as it can't be taken back.
 */
export const createKeyOrders = (parts: KeyOrderParts) => {
  const { grants, keys, statements, live, receipts, clock, log } = parts
  const count = countRefusals(clock.now)
  const roleOf = (kid: string) => keys.trusted.get(kid)?.role

  const carryOut = async (statement: string): Promise<Answer> => {
    const { kid, order, signed, left } = await grants.revoke(statement)
    log.warn({ kid, signed, left }, 'a key was revoked')
    const receipt = await receipts.of(confirmedAs(order), kid)
    return {
      status: 200,
      body: { revoked: kid, role: roleOf(kid), signed, left, receipt, waitingFor: grants.waitingFor() },
    }
  }

  const tell = async (statement: string): Promise<Answer> => {
    const { kid, at } = await statements.verify('revocation-question', statement)
    if (!(Math.abs(clock.now() - at) <= questionLastsMs))
      return refused('the question is too old, or from the future')
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

  const answer = async (request: IncomingMessage, isQuestion: boolean): Promise<Answer> => {
    // Before a byte is kept: whoever has no key gets no memory of ours.
    if (!(Number(request.headers['content-length']) <= mostBytes)) return refused('too large', 413)
    const body = await readBody(request)
    if (body === 'too large' || body === 'cut off') return refused(body, 400)
    const statement = body.toString('utf8').trim()
    try {
      return await (isQuestion ? tell(statement) : carryOut(statement))
    } catch (error) {
      if (isFault(error, 'statement/invalid')) return refused('the order does not verify')
      log.error({ err: error }, 'an order to revoke a key failed')
      return refused('it could not be done now', 503)
    }
  }

  /** Never rejects. */
  return (request: IncomingMessage, response: ServerResponse, isQuestion: boolean): void => {
    void answer(request, isQuestion).then(({ status, body }) => {
      if (status !== 200)
        count((all) => log.warn({ ...body, refusals: all }, 'an order to revoke a key was refused'))
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  }
}
