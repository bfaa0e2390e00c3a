import type { Redis } from 'ioredis'
import { kindOfLock } from '../../domain/lock.ts'
import { principalKey } from '../../domain/principal.ts'
import type { LockStore } from '../../ports.ts'
import type { Statements } from '../statements.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/**
 * As a grant is written (`grant-store.ts`): one script compares the version, appends the event and stores the statement.
 * It is kept for ever, also of who is free again, so that nothing older can take its place. What somebody spoilt by hand
 * counts as nothing.
 */
const write = `
local locks, sequence, epoch, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local who, expected, version, kind, flag, id, statement = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
if redis.call('EXISTS', epoch) == 0 then return redis.error_reply('NOEPOCH no bot or worker has prepared this Redis') end
local current, at, last = string.match(redis.call('HGET', locks, who) or '', '^(%d+) (%d+) %a (.*)$')
if not current then current, at, last = '0', '0', '' end
if last == statement then return {1, tonumber(at), tonumber(current)} end
if current ~= expected then return {0, tonumber(at), tonumber(current)} end
local number = redis.call('INCR', sequence)
redis.call('XADD', events, 'MAXLEN', '~', '1000000', number .. '-0', 'kind', kind, 'id', id, 'statement', statement)
redis.call('HSET', locks, who, version .. ' ' .. number .. ' ' .. flag .. ' ' .. statement)
return {1, number, tonumber(version)}
`

export const createLockStore = (redis: Redis, statements: Statements): LockStore => ({
  put: async (lock, expected) => {
    const kind = kindOfLock(lock)
    const statement = await statements.sign(kind, lock)
    const keys = [names.locks, names.sequence, names.epoch, names.events]
    const flag = lock.state === 'locked' ? 'l' : 'f'
    const words = [principalKey(lock.who), expected, lock.version, kind, flag, lock.id, statement]
    const reply = await reachable(redis.eval(write, keys.length, ...keys, ...words))
    const [stored, sequence, version] = reply as [number, number, number]
    return { stored: stored === 1, sequence, version }
  },
})

/** The statement in a field of the locks; undefined for what is none of ours. */
export const readStoredLock = (field: string): string | undefined => /^\d+ \d+ [lf] (\S+)$/.exec(field)?.[1]
