import type { Redis } from 'ioredis'
import { Fault } from '../../domain/errors.ts'
import type { End, EndCause, Grant } from '../../domain/grant.ts'
import { endStateOf } from '../../domain/grant-transitions.ts'
import { principalKey } from '../../domain/principal.ts'
import type { Clock, GrantStore } from '../../ports.ts'
import type { Statements } from '../statements.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/**
 * The one atomic write: compare the version, store the signed statement, append the event with the next sequence
 * number. Everything else (views, jobs, messages, audit) derives from that event. A script is not undone when it
 * fails, so what can fail (the event) comes before what it tells of. Nothing is given to or by anybody who is locked out,
 * however close the lock came before it; the mark of the lock is in its own field of this Redis (`lock-store.ts`).
 */
const write = `
local versions, live, ended, sequence, epoch, events, locks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local id, expected, version, kind, statement, mark = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if redis.call('EXISTS', epoch) == 0 then return redis.error_reply('NOEPOCH no bot or worker has prepared this Redis') end
local current, at, marked = string.match(redis.call('HGET', versions, id) or '0 0', '^(%d+) (%d+) ?(.*)$')
if current == version and marked == mark then
  -- The same write again: its first answer was lost on the way. Others may write the same words, and come too late.
  local last = kind == 'grant' and redis.call('HGET', live, id) or redis.call('HGET', ended, id) or ''
  if string.sub(last, -#statement) == statement then return {1, tonumber(at)} end
end
if current ~= expected then return {0, tonumber(at)} end
for person = 7, #ARGV do
  if string.match(redis.call('HGET', locks, ARGV[person]) or '', '^%d+ %d+ (%a)') == 'l' then return {0, tonumber(at)} end
end
local number = redis.call('INCR', sequence)
redis.call('XADD', events, 'MAXLEN', '~', '1000000', number .. '-0', 'kind', kind, 'id', id, 'statement', statement)
redis.call('HSET', versions, id, version .. ' ' .. number .. ' ' .. mark)
if kind == 'grant' then
  redis.call('HSET', live, id, statement)
else
  redis.call('HSET', ended, id, (redis.call('HGET', live, id) or '') .. ' ' .. statement)
  redis.call('HDEL', live, id)
end
return {1, number}
`

type Writing = {
  readonly id: string
  readonly version: number
  readonly kind: 'grant' | 'end'
  readonly statement: string
  /** Who must not be locked out for this to be stored (`principalKey`). */
  readonly people?: readonly string[]
}

/** `writer` is a name that no other store has, so that two that write the very same are told apart. */
export const createGrantStore = (
  redis: Redis,
  statements: Statements,
  clock: Clock,
  writer = 'store',
): GrantStore => {
  let writes = 0
  const run = async ({
    id,
    version,
    kind,
    statement,
    people = [],
  }: Writing): Promise<{ stored: boolean; sequence: number }> => {
    const { versions, live, ended, sequence, epoch, events, locks } = names
    const keys = [versions, live, ended, sequence, epoch, events, locks]
    writes += 1
    const mark = `${writer}-${writes}`
    const words = [id, version - 1, version, kind, statement, mark, ...people]
    const reply = await reachable(redis.eval(write, keys.length, ...keys, ...words))
    const [stored, number] = reply as [number, number | string]
    return { stored: stored === 1, sequence: Number(number) }
  }

  return {
    give: async (grant) => {
      const statement = await statements.sign('grant', grant)
      const { stored, sequence } = await run({
        id: grant.id,
        version: grant.version,
        kind: 'grant',
        statement,
        people: [grant.who, ...(grant.by === undefined ? [] : [grant.by])].map(principalKey),
      })
      return { given: stored, sequence }
    },
    end: async (grant: Grant, cause: EndCause, by) => {
      const state = endStateOf(grant, cause)
      if (state !== 'ended' && state !== 'refused')
        throw new Fault('store/conflict', `an ${grant.state} grant can't be ${cause}`)
      const end: End = {
        id: grant.id,
        version: grant.version + 1,
        environment: grant.environment,
        state,
        cause,
        ...(by === undefined ? {} : { by }),
        at: clock.now(),
      }
      const statement = await statements.sign('end', end)
      const { stored, sequence } = await run({ id: end.id, version: end.version, kind: 'end', statement })
      return { ended: stored, sequence }
    },
    endOf: (id) => readEnded(redis, statements, id),
  }
}

/** A grant that has ended, with the sequence number of the event that ended it. */
export type Ended = { readonly grant: Grant; readonly end: End; readonly sequence: number }

/** A grant and its end as stored, for what is told afterwards. Both signatures are checked. */
export const readEnded = async (
  redis: Redis,
  statements: Statements,
  id: string,
): Promise<Ended | undefined> => {
  const [grant, end] = ((await reachable(redis.hget(names.ended, id))) ?? '').split(' ')
  if (!grant || !end) return undefined
  const versioned = (await reachable(redis.hget(names.versions, id))) ?? ''
  return {
    // What is over gives nothing, whoever signed it: it is told of, and counts as over.
    grant: await statements.verify('grant', grant, 'even revoked'),
    end: await statements.verify('end', end, 'even revoked'),
    sequence: Number(versioned.split(' ')[1] ?? 0),
  }
}
