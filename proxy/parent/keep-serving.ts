import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '#access/domain/errors.ts'
import { stopwatch } from '#access/runtime/clock.ts'
import type { Exit, Metrics, Rules, Serving } from './serving.ts'

export type Pace = {
  /** How soon a process that ended by itself is started again, in milliseconds; then twice as late each time … */
  readonly firstMs: number
  /** … up to this. */
  readonly slowestMs: number
  /** Whoever served for so long begins again with the first. */
  readonly calmMs: number
  /** How long a process that is to take the place of another may take to get ready. */
  readonly readyMs: number
}
const usualPace: Pace = { firstMs: 250, slowestMs: 15_000, calmMs: 30_000, readyMs: 60_000 }

type Log = Record<'info' | 'warn' | 'error', (facts: Record<string, unknown>, what: string) => void>

type Kept = {
  readonly slot: number
  readonly serving: Serving
  readonly since: number
  mayListen: boolean
  /** It was told to go. */
  leaves: boolean
  gone: boolean
}

/**
 * Keeps `count` processes serving. One that ends by itself is started again; all can be replaced one by one, so that there
 * is always one to take a connection. Connections come to a process once it waits for nothing, or where no other takes
 * any. Names are `<instance>.<number>`, the lowest number that is free. Resolves when the first one listens, and faults with
 * `proxy/not-serving` where that one ends instead, as all others would.
 */
export const keepServing = async ({
  instance,
  count,
  start,
  log,
  pace = usualPace,
}: {
  readonly instance: string
  readonly count: number
  readonly start: (name: string, changed: () => void) => Serving
  readonly log: Log
  readonly pace?: Pace
}) => {
  const all = new Set<Kept>()
  const waiting = new Set<() => void>()
  let closing = false
  let pauseMs = pace.firstMs
  let refilling = false
  let replacing = false
  let again = false

  const staying = (): Kept[] => [...all].filter(({ leaves }) => !leaves)
  const serves = ({ serving, leaves, gone }: Kept): boolean => serving.listens() && !leaves && !gone

  const changed = (): void => {
    for (const kept of staying()) {
      const { serving } = kept
      const waits = serving.waitsFor()
      if (kept.mayListen || waits === undefined) continue
      if (waits.length > 0 && staying().some(({ mayListen }) => mayListen)) continue
      kept.mayListen = true
      serving.letListen()
    }
    for (const look of waiting) look()
  }

  const begin = (): Kept => {
    const slots = new Set([...all].map(({ slot }) => slot))
    let slot = 1
    while (slots.has(slot)) slot += 1
    const serving = start(`${instance}.${slot}`, changed)
    const kept = { slot, serving, since: stopwatch(), mayListen: false, leaves: false, gone: false }
    all.add(kept)
    void serving.exited.then((exit) => ended(kept, exit))
    return kept
  }

  const ended = (kept: Kept, exit: Exit): void => {
    kept.gone = true
    all.delete(kept)
    const { name, pid, listens } = kept.serving
    if (kept.leaves) log.info({ process: name, child: pid, ...exit }, 'a serving process has ended')
    else log.error({ process: name, child: pid, ...exit }, 'a serving process ended by itself')
    if (listens() && stopwatch() - kept.since >= pace.calmMs) pauseMs = pace.firstMs
    changed()
    if (!kept.leaves) void refill()
  }

  /** Resolves when this holds, at the latest when the process is gone or so many milliseconds are over. */
  const until = (holds: () => boolean, { gone }: { readonly gone: () => boolean }, withinMs?: number) =>
    new Promise<boolean>((resolve) => {
      const done = (it: boolean): void => {
        clearTimeout(late)
        waiting.delete(look)
        resolve(it)
      }
      const look = (): void => {
        if (holds()) done(true)
        else if (gone()) done(false)
      }
      const late = withinMs === undefined ? undefined : setTimeout(done, withinMs, false)
      waiting.add(look)
      look()
    })
  const untilItServes = (kept: Kept, withinMs?: number): Promise<boolean> =>
    until(() => serves(kept), { gone: () => kept.gone }, withinMs)

  const refill = async (): Promise<void> => {
    if (refilling) return
    refilling = true
    while (!closing && staying().length < count) {
      await sleep(pauseMs, undefined, { ref: false })
      pauseMs = Math.min(pace.slowestMs, pauseMs * 2)
      if (closing || staying().length >= count) break
      const kept = begin()
      await until(() => kept.mayListen, { gone: () => kept.gone })
    }
    refilling = false
  }

  /** Whether every one of them was replaced. */
  const replaceEach = async (): Promise<boolean> => {
    for (const old of staying()) {
      const next = begin()
      const served = await untilItServes(next, pace.readyMs)
      if (closing) return false
      if (!served) {
        log.error(
          { process: next.serving.name, waitsFor: next.serving.waitsFor() ?? [] },
          'the new serving process did not get ready; the old ones go on, and nothing was replaced any further',
        )
        next.leaves = true
        if (!next.gone) next.serving.signal('SIGINT')
        return false
      }
      old.leaves = true
      if (!old.gone) old.serving.signal('SIGTERM')
    }
    return true
  }

  const leave = async (signal: NodeJS.Signals): Promise<void> => {
    closing = true
    const leaving = [...all]
    for (const kept of leaving) {
      kept.leaves = true
      kept.serving.signal(signal)
    }
    const exits = await Promise.all(
      leaving.map(async ({ serving }) => [serving.name, await serving.exited] as const),
    )
    const failed = exits.filter(([, { code }]) => code !== 0).map(([name]) => name)
    if (failed.length > 0)
      throw new Fault('proxy/not-serving', `${failed.join(', ')} did not stop in order`, {
        mend: 'see what it logged',
      })
  }

  const first = begin()
  if (!(await untilItServes(first)))
    throw new Fault('proxy/not-serving', 'the process that was to serve ended before it did', {
      mend: 'see what it said above',
    })
  while (staying().length < count) begin()

  return {
    /** Whom people see: those that serve or will. */
    processes: () =>
      [...all].map(({ serving, leaves }) => ({
        name: serving.name,
        pid: serving.pid,
        status: leaves
          ? 'draining'
          : !serving.listens()
            ? 'starting'
            : serving.waitsFor()?.length === 0
              ? 'ready'
              : 'waiting',
        ...serving.mode(),
        rules: serving.rules()?.hash,
      })),
    /** What those that take connections wait for. */
    waitingFor: (): string[] => {
      const serving = staying().filter(serves)
      if (serving.length === 0) return ['a process that serves']
      return [...new Set(serving.flatMap((kept) => kept.serving.waitsFor() ?? []))]
    },
    /** What the newest of those that take connections decides by. */
    rules: (): Rules | undefined => staying().filter(serves).at(-1)?.serving.rules(),
    /** What each has counted, by name; undefined for one that does not say. */
    measure: (): Promise<(readonly [name: string, metrics: Metrics | undefined])[]> =>
      Promise.all([...all].map(async ({ serving }) => [serving.name, await serving.measure()] as const)),
    /**
     * Starts new ones beside the old ones, one at a time; each old one drains once a new one serves. Where a new one does
     * not get ready, the old ones go on. Resolves with whether all were replaced. Asked again meanwhile, it begins once more
     * when it is through.
     */
    replaceAll: async (): Promise<boolean> => {
      again = replacing
      if (replacing || closing) return false
      replacing = true
      let replaced: boolean
      do {
        again = false
        replaced = await replaceEach()
      } while (again && !closing)
      replacing = false
      void refill()
      return replaced
    },
    /** All take nothing new, and end when nothing is open, or when it takes too long. */
    drain: async (): Promise<string> => {
      await leave('SIGTERM')
      return 'all serving processes have ended'
    },
    stop: (): Promise<void> => leave('SIGINT'),
  }
}
export type KeptServing = Awaited<ReturnType<typeof keepServing>>
