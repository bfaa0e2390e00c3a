import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/** Whoever falls silent is replaced after this long. */
const termMs = 6_000
const tickMs = 1_500
/** A run that failed is tried again after this long, or after its own period where that is shorter. */
const againAfterMs = 10_000

const hold = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`

const putAsHolder = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
return 1
`

const resign = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`

export type DutyTurn = {
  /** Writes what only the holder may, in one step with asking who that is. False: it is somebody else by now. */
  readonly put: (key: string, value: string) => Promise<boolean>
  /** Set once somebody else has the duty, or this process stops: what is left to do is theirs. */
  readonly over: AbortSignal
}

/**
 * Does something again and again in one process of many: whoever finds the place empty takes it. One that is killed or
 * stands still is replaced; when it goes on it notices at its next tick, so for a moment two may be at it. What a run
 * writes must bear that, or go through `put`.
 */
export const keepDuty = ({
  redis,
  duty,
  holder,
  everyMs,
  run,
  alarm,
}: {
  readonly redis: Redis
  readonly duty: string
  /** A name that no other process has, nor this one's next life. */
  readonly holder: string
  readonly everyMs: number
  readonly run: (turn: DutyTurn) => Promise<void>
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}) => {
  const key = names.duty(duty)
  let turn: AbortController | undefined
  let running: Promise<void> | undefined
  let dueAt = Number.NEGATIVE_INFINITY
  let told = ''
  let busy = false

  const tell = (error: Error): void => {
    if (told !== error.message) alarm(`the duty “${duty}” could not be done`, { error: error.message })
    told = error.message
  }

  const runOnce = async (over: AbortSignal): Promise<void> => {
    dueAt = performance.now() + everyMs
    try {
      const put = async (at: string, value: string): Promise<boolean> =>
        (await reachable(redis.eval(putAsHolder, 2, key, at, holder, value))) === 1
      await run({ put, over })
      told = ''
    } catch (error) {
      dueAt = performance.now() + Math.min(againAfterMs, everyMs)
      if (!over.aborted) tell(error as Error)
    }
  }

  const tick = async (): Promise<void> => {
    if (busy) return
    busy = true
    try {
      const mine = (await reachable(redis.eval(hold, 1, key, holder, termMs))) === 1
      if (!mine) {
        turn?.abort()
        turn = undefined
        return
      }
      turn ??= new AbortController()
      if (running !== undefined || performance.now() < dueAt) return
      running = runOnce(turn.signal).finally(() => {
        running = undefined
      })
    } catch (error) {
      turn?.abort()
      turn = undefined
      tell(error as Error)
    } finally {
      busy = false
    }
  }

  void tick()
  const timer = setInterval(() => void tick(), Math.min(tickMs, everyMs))
  return {
    /** Whether this process has the duty, as far as it knows. */
    mine: (): boolean => turn !== undefined,
    stop: async (): Promise<void> => {
      clearInterval(timer)
      turn?.abort()
      await running
      await redis.eval(resign, 1, key, holder).catch(() => undefined)
    },
  }
}
