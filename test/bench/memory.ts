import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Inspector } from './inspector.ts'

const heap = z.object({ usedSize: z.number(), totalSize: z.number(), backingStorageSize: z.number() })

export type Memory = {
  /** Bytes that the process held before anything was collected, and after. */
  readonly rss_before_gc: number
  readonly rss: number
  /** What JavaScript objects take of it, and the memory of buffers. */
  readonly heap_used: number
  readonly buffers: number
}

/** Resident memory of one process, in bytes (Linux). */
export const residentBytes = (pid: number): number => {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error(`the memory of process ${pid} can't be read`)
  return Number(kilobytes) * 1_024
}

const mostCollections = 12
/** Two readings that differ by less are of a process that gives nothing more back. */
const steadyBytes = 128 * 1_024

/** What a Node process holds once its garbage is gone and its pages are given back, which V8 does bit by bit. */
export const settledMemory = async (pid: number, inspector: Inspector): Promise<Memory> => {
  const before = residentBytes(pid)
  let last = before
  for (let time = 0; time < mostCollections; time += 1) {
    await inspector.ask('HeapProfiler.collectGarbage')
    await sleep(500)
    const now = residentBytes(pid)
    if (time > 1 && Math.abs(now - last) < steadyBytes) break
    last = now
  }
  const { usedSize, backingStorageSize } = heap.parse(await inspector.ask('Runtime.getHeapUsage'))
  return {
    rss_before_gc: before,
    rss: residentBytes(pid),
    heap_used: usedSize,
    buffers: backingStorageSize,
  }
}
