import type { Deactivated } from '../domain/directory-file.ts'
import { lockInactive } from '../operations/lock-inactive.ts'
import type { LockParts } from '../operations/lock-principal.ts'

const everyMs = 1_000
/** Where nothing is new, everybody is looked at every so many times: Redis may have begun anew. */
const wholeEvery = 10

/**
 * Sees to it that whoever the directory says is not active is locked out: at once, and when that changes, and again where
 * Redis began anew. Bots
 * and workers both do, and whoever comes first did it for all. Faults are told, and it is tried again.
 */
export const watchInactive = (
  parts: LockParts,
  deactivated: () => Deactivated,
  ready: () => boolean,
  alarm: (what: string, facts: Record<string, unknown>) => void,
) => {
  let stopped = false
  let underWay: Promise<void> | undefined
  let told = ''
  let times = 0
  let done: Deactivated | undefined
  const look = async (): Promise<void> => {
    times += 1
    const now = deactivated()
    if (stopped || !ready() || (now === done && times % wholeEvery !== 0)) return
    try {
      const locked = await lockInactive(parts, now)
      done = now
      if (locked > 0) alarm('people who are not active were locked out', { locked })
      told = ''
    } catch (error) {
      const what = (error as Error).message
      if (told !== what) alarm('people who are not active could not be locked out', { error: what })
      told = what
    }
  }
  const tick = (): void => {
    underWay ??= look().finally(() => {
      underWay = undefined
    })
  }
  const soon = setInterval(() => {
    if (!ready()) return
    clearInterval(soon)
    tick()
  }, 50)
  const timer = setInterval(tick, everyMs)
  return {
    stop: async (): Promise<void> => {
      stopped = true
      clearInterval(soon)
      clearInterval(timer)
      await underWay
    },
  }
}
