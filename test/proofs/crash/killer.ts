import { setTimeout as pause } from 'node:timers/promises'
import type { PartName } from '#infra/sandbox/stack.ts'
import { type Pace, type Supervised, supervise, type Turn } from '#infra/sandbox/start/supervise.ts'
import { type VictimName, victimNames } from '../../running-stack.ts'
import { randomOf } from '../random.ts'
import type { Scene } from './scene.ts'

/** How long to wait before a start is the killer's choice, not the supervisor's. */
const pace: Pace = { firstMs: 1, slowestMs: 500, calmMs: 0, hopelessAfter: 1_000 }
const readyWithinMs = 60_000

export type Kills = {
  readonly kills: Record<VictimName, number>
  /** From the start to ready, in milliseconds. */
  readonly ready: Readonly<Record<VictimName, number[]>>
  /** What ended without being killed, or did not start for another reason. */
  readonly unasked: string[]
}

const each = <T>(make: () => T): Record<VictimName, T> => ({
  bot: make(),
  workers: make(),
  proxy: make(),
  redis: make(),
})

/** Kills one part after the other, at moments of its choice; a supervisor starts them again. */
export const createKiller = (scene: Scene, say: (line: string) => void) => {
  const { stack, ledger, seed, dropped } = scene
  const random = randomOf(seed, 'killer')
  const found: Kills = { kills: each(() => 0), ready: each(() => []), unasked: [] }
  /** Killed and not ready again. */
  const down = new Set<VictimName>()
  const supervised = new Map<VictimName, Supervised>()

  const start = async (name: VictimName, signal: AbortSignal) => {
    // At once, or after up to a second.
    if (random.chance(0.5)) await pause(random.between(0, 1_000), undefined, { signal })
    const startedAt = performance.now()
    const run = name === 'redis' ? await stack.startRedis(signal) : await stack.start(name, signal)
    found.ready[name].push(performance.now() - startedAt)
    down.delete(name)
    return run
  }

  const heard = (turn: Turn): void => {
    if (turn.kind === 'back') return
    down.add(turn.name as VictimName)
    const what =
      turn.kind === 'died' ? `code ${turn.exit.code}, signal ${turn.exit.signal}` : `not ready: ${turn.why}`
    if (what.includes('SIGKILL')) return
    found.unasked.push(`${turn.name} ended by itself (${what})`)
    const logged = turn.name === 'redis' ? '' : ` It logged last:\n${stack.log(turn.name as PartName)}`
    say(`${turn.name} ended by itself (${what}).${logged}`)
  }

  for (const name of victimNames) {
    const running = stack.run(name)
    if (running === undefined) throw new Error(`${name} does not run`)
    supervised.set(
      name,
      supervise({ name, running, pace, start: (signal) => start(name, signal), tell: heard }),
    )
  }

  /** Any moment, or just after something was changed, promised or sent: that is when most is under way. */
  const moment = async (victim: VictimName): Promise<void> => {
    if (random.chance(0.5)) await pause(random.between(0, 800), undefined, { signal: dropped })
    else if (victim === 'proxy') {
      await ledger.nextRequest(800)
      await pause(random.between(0, 10), undefined, { signal: dropped })
    } else {
      await ledger.nextHappening(800)
      await pause(random.between(0, 30), undefined, { signal: dropped })
    }
  }

  const kill = async (name: VictimName): Promise<void> => {
    down.add(name)
    // Between two runs there is nothing to kill.
    while (!(await stack.kill(name))) await pause(5, undefined, { signal: dropped })
    found.kills[name] += 1
  }

  const allReady = async (): Promise<void> => {
    const deadline = performance.now() + readyWithinMs
    while (down.size > 0) {
      if (performance.now() > deadline) {
        ledger.violated(
          `${[...down].join(' and ')} did not get ready again within ${readyWithinMs / 1_000} s`,
        )
        return
      }
      await pause(10, undefined, { signal: dropped })
    }
  }

  return {
    found,
    run: async (trials: number): Promise<void> => {
      let turn: VictimName[] = []
      for (let killed = 0; killed < trials; killed += 1) {
        if (turn.length === 0) turn = random.shuffled(victimNames)
        const victim = turn[0] as VictimName
        await moment(victim)
        await kill(victim)
        if ((killed + 1) % 20 === 0)
          say(
            `${killed + 1} of ${trials} kills, ${ledger.counts.answered} requests answered, ${ledger.promised.length} promises, ${ledger.violations.length} violations`,
          )
        const next = random.between(0, 1)
        // The same again before it is ready; or another while it is not; or only when everything is ready.
        if (next < 0.1 && victim !== 'redis') continue
        turn.shift()
        if (next > 0.45) await allReady()
      }
      await allReady()
    },
    stop: async (): Promise<void> => {
      await Promise.all([...supervised.values()].map((one) => one.stop()))
    },
  }
}
