import { createLeasedBucket, type LeasedBucket, type RateLimit } from '#access/domain/rate-lease.ts'
import { createRateBook } from './rate-book.ts'

type Process = {
  readonly name: string
  bucket: LeasedBucket | undefined
  nextAt: number
  underWay: boolean
  dead: boolean
}

export type Weather = {
  /** One way, in milliseconds. */
  readonly latency?: number
  /** Whether Redis answers at this moment. */
  readonly up?: (at: number) => boolean
  /** Of so many answers one is lost on its way back. */
  readonly losesOneIn?: number
}

const pauseMs = 250
const keptMs = 1_500
const promptMs = 5

/** A fleet under one limit, on a clock of its own that goes by milliseconds. Everything is as in the proxy but Redis. */
export const createFleet = (limit: RateLimit, size: number, weather: Weather = {}) => {
  const { latency = 1, up = () => true, losesOneIn = Number.POSITIVE_INFINITY } = weather
  const book = createRateBook()
  const processes: Process[] = []
  const admittedAt: number[] = []
  let now = 0
  let count = 0
  let answers = 0
  let pending: { at: number; carryOut: () => void }[] = []

  const join = (): void => {
    count += 1
    const nextAt = now + ((count * 37) % pauseMs)
    processes.push({ name: `p${count}`, bucket: undefined, nextAt, underWay: false, dead: false })
  }
  for (let index = 0; index < size; index += 1) join()

  const later = (ms: number, carryOut: () => void): void => void pending.push({ at: now + ms, carryOut })

  const renew = (process: Process, bucket: LeasedBucket): void => {
    process.nextAt = now + pauseMs
    if (!up(now)) return
    process.underWay = true
    const report = bucket.report(now)
    const over = (end: () => void) => () => {
      process.underWay = false
      end()
    }
    later(latency, () => {
      if (!up(now))
        return later(
          latency,
          over(() => bucket.lost(now)),
        )
      const lease = book.renew(process.name, keptMs, limit, report, now, processes.length)
      answers += 1
      const isLost = answers % losesOneIn === 0
      later(
        latency,
        over(() => {
          if (isLost) bucket.lost(now)
          else bucket.renewed(lease, now)
          if (bucket.isLikeNew()) process.bucket = undefined
        }),
      )
    })
  }

  const request = (process: Process): number => {
    if (process.bucket === undefined) {
      process.bucket = createLeasedBucket(limit, () => processes.length, now)
      process.nextAt = Math.min(process.nextAt, now + promptMs)
    } else if (process.bucket.isIdle()) process.nextAt = Math.min(process.nextAt, now + promptMs)
    const wait = process.bucket.take(now)
    if (wait === 0) admittedAt.push(now)
    return wait
  }

  return {
    now: () => now,
    processes,
    join,
    /** As by kill -9. */
    kill: (index: number): void => {
      const [process] = processes.splice(index % processes.length, 1)
      if (process !== undefined) process.dead = true
    },
    /** One request to one of them. Answers with what `take` does. */
    request: (index: number): number => {
      const process = processes[index % processes.length]
      if (process === undefined) throw new Error('nobody is there')
      return request(process)
    },
    /** Lets time pass; `perMs` is called once in each millisecond. */
    pass: (ms: number, perMs: (now: number) => void = () => undefined): void => {
      for (let end = now + ms; now < end; ) {
        now += 1
        const due = pending.filter(({ at }) => at <= now)
        pending = pending.filter(({ at }) => at > now)
        for (const { carryOut } of due) carryOut()
        for (const process of processes)
          if (process.bucket !== undefined && !process.underWay && process.nextAt <= now)
            renew(process, process.bucket)
        perMs(now)
      }
    },
    /** How many were admitted since then, up to then. */
    admitted: (from = 0, to = Number.POSITIVE_INFINITY): number =>
      admittedAt.filter((at) => at >= from && at < to).length,
    /** How many were admitted in each second. */
    bySecond: (): number[] => {
      const counts = new Array<number>(Math.ceil(now / 1_000)).fill(0)
      for (const at of admittedAt) counts[Math.floor(at / 1_000)] = (counts[Math.floor(at / 1_000)] ?? 0) + 1
      return counts
    },
  }
}
export type RateFleet = ReturnType<typeof createFleet>

/** Sends so many requests a second, evenly, to the process that `to` names at that moment. */
export const steadily = (fleet: RateFleet, perSecond: number, to: (now: number) => number) => {
  let due = 0
  return (now: number): void => {
    for (due += perSecond / 1_000; due >= 1; due -= 1) fleet.request(to(now))
  }
}
