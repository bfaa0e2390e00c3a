import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ, which Linux fixes at 100 for /proc (proc(5)). */
const ticksPerSecond = 100
/** `utime` and `stime` are each rounded down to a tick, before and after. */
const roundingMicroseconds = 4 * (1_000_000 / ticksPerSecond)

type ProcessCpu = {
  readonly pid: number
  /** User and system time of the whole process, threads that have ended included; in steps of 10 ms. */
  readonly ticks: number
  /** Thread id → what it ran, in microseconds, exact. Empty where the kernel keeps no such statistics. */
  readonly threads: ReadonlyMap<number, number>
}
export type CpuUsed = readonly ProcessCpu[]

/**
 * What these processes and all that descend from them have used of the CPU so far, user and system time together (Linux):
 * a contender may be a master with workers, or a front with another server behind it.
 */
export const readCpu = (roots: readonly number[]): CpuUsed => treeOf(roots).map(readProcess)

/**
 * Microseconds of CPU used between two readings. The exact times of threads where none of them ended meanwhile,
 * otherwise the process's own times. Throws when a process has ended, as what it used is not known any more.
 */
export const cpuBetween = (before: CpuUsed, after: CpuUsed): number => {
  const gone = before.filter(({ pid }) => after.every((other) => other.pid !== pid))
  if (gone.length > 0)
    throw new Error(`process ${gone.map(({ pid }) => pid).join(', ')} ended while it was measured`)
  return after.reduce((sum, process) => {
    const earlier = before.find(({ pid }) => pid === process.pid)
    return sum + between(earlier ?? { pid: process.pid, ticks: 0, threads: new Map() }, process)
  }, 0)
}

const between = (before: ProcessCpu, after: ProcessCpu): number => {
  const ticks = after.ticks - before.ticks
  if (after.threads.size === 0 || [...before.threads.keys()].some((thread) => !after.threads.has(thread)))
    return ticks
  let exact = 0
  for (const [thread, used] of after.threads) exact += used - (before.threads.get(thread) ?? 0)
  // A thread may have come and gone between the two.
  return ticks - exact > roundingMicroseconds ? ticks : exact
}

const readProcess = (pid: number): ProcessCpu => {
  const [user, system] = statOf(pid).slice(11, 13).map(Number) as [number, number]
  return { pid, ticks: ((user + system) * 1_000_000) / ticksPerSecond, threads: threadsOf(pid) }
}

/** The fields of /proc/<pid>/stat from the third on: the second, in parentheses, may hold anything. */
const statOf = (pid: number): string[] => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

const threadsOf = (pid: number): Map<number, number> => {
  const threads = new Map<number, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const nanoseconds = ranFor(`/proc/${pid}/task/${thread}/schedstat`)
    if (nanoseconds !== undefined) threads.set(Number(thread), nanoseconds / 1_000)
  }
  return threads
}

const ranFor = (file: string): number | undefined => {
  try {
    return Number(readFileSync(file, 'utf8').split(' ')[0])
  } catch {
    return undefined
  }
}

const treeOf = (roots: readonly number[]): number[] => {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const tree: number[] = []
  const waiting = [...roots]
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (tree.includes(pid)) continue
    tree.push(pid)
    waiting.push(...(children.get(pid) ?? []))
  }
  return tree
}

/** Undefined for one that has ended since it was listed. */
const parentOf = (pid: number): number | undefined => {
  try {
    return Number(statOf(pid)[1])
  } catch {
    return undefined
  }
}
