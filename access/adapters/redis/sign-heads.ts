import type { Redis } from 'ioredis'
import type { View } from '../../domain/view.ts'
import type { Clock } from '../../ports.ts'
import type { Statements } from '../statements.ts'
import { names } from './names.ts'
import { prepareStore } from './prepare-store.ts'

const periodMs = 1_000
/** A signer that falls silent is replaced after this long. */
const termMs = 3_000

const elect = `
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
if tonumber(redis.call('GET', KEYS[3]) or '0') < tonumber(ARGV[4]) then return 0 end
local holder = redis.call('GET', KEYS[1])
if not holder then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1 end
if holder ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`

/**
 * Signs the head once a second, when this process is the elected one. Any bot or worker may be: whoever finds the
 * place empty takes it. The head attests this process's own view, so a process out of step signs nothing: neither
 * one that was never in step, nor one that knows events which this Redis has lost.
 */
export const signHeads = ({
  redis,
  view,
  statements,
  clock,
  instance,
  environment,
  epoch,
  inTouch,
  newEpoch,
  revoked = () => [],
  alarm,
}: {
  readonly redis: Redis
  readonly view: View
  readonly statements: Statements
  readonly clock: Clock
  readonly instance: string
  readonly environment: string
  readonly epoch: () => string
  /** Whether the view was fed lately. Who is cut off gives up the place by not taking it again. */
  readonly inTouch: () => boolean
  /** A name for a Redis that has none: random. */
  readonly newEpoch: () => string
  /** The kids that were revoked. */
  readonly revoked?: () => readonly string[]
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}) => {
  let busy = false
  let silent = false

  const tick = async (): Promise<void> => {
    if (busy) return
    busy = true
    try {
      // An emptied Redis gets its epoch again, so that passes can be given without anybody restarting.
      await prepareStore(redis, newEpoch())
      if (!view.ready() || !inTouch()) return
      const sequence = view.sequence()
      const keys = [names.headSigner, names.epoch, names.sequence]
      if ((await redis.eval(elect, keys.length, ...keys, instance, termMs, epoch(), sequence)) === 1) {
        const state = view.at(sequence)
        if (state === undefined) return
        const gone = [...revoked()].sort()
        const head = {
          environment,
          at: clock.now(),
          epoch: epoch(),
          sequence,
          ...state,
          ...(gone.length === 0 ? {} : { revoked: gone }),
        }
        await redis.xadd(
          names.heads,
          'MAXLEN',
          '~',
          100,
          '*',
          'statement',
          await statements.sign('head', head),
        )
      }
      silent = false
    } catch (error) {
      if (!silent) alarm('the head can’t be signed', { error: (error as Error).message })
      silent = true
    } finally {
      busy = false
    }
  }

  void tick()
  const timer = setInterval(() => void tick(), periodMs)
  return {
    stop: async (): Promise<void> => {
      clearInterval(timer)
    },
  }
}
