import type { Redis } from 'ioredis'
import type { Receipts } from '../../ports.ts'
import { names } from './names.ts'
import { readReport } from './reports.ts'
import { readStreamReply } from './stream-reply.ts'

/** A proxy that has not reported for this long is not expected to confirm. */
const silentAfterMs = 5_000
const confirmWithinMs = 1_500
const lookBackMs = 10_000

type Confirmation = { readonly proxy: string; readonly cut: number }

/**
 * Follows what proxies report: which of them live, and what they confirm. `patient` is a connection of its own for
 * the blocking read.
 */
export const followReceipts = (
  prompt: Redis,
  patient: Redis,
  alarm: (what: string, facts: Record<string, unknown>) => void,
) => {
  const lastSeen = new Map<string, number>()
  const confirmations = new Map<number, Confirmation[]>()
  const waiting = new Set<() => void>()
  let stopped = false
  let cursor = ''

  const take = (fields: readonly string[]): void => {
    const report = readReport(fields)
    if (report === undefined) return
    if (report.kind === 'gone') lastSeen.delete(report.proxy)
    else lastSeen.set(report.proxy, performance.now())
    if (report.kind !== 'confirmed') return
    const { sequence, proxy, cut } = report
    confirmations.set(sequence, [
      ...(confirmations.get(sequence) ?? []).filter((one) => one.proxy !== proxy),
      { proxy, cut },
    ])
    if (confirmations.size > 1_000)
      for (const oldest of confirmations.keys()) if (confirmations.delete(oldest)) break
    for (const wake of waiting) wake()
  }

  const fleet = (): string[] => {
    const since = performance.now() - silentAfterMs
    for (const [proxy, seen] of lastSeen) if (seen < since) lastSeen.delete(proxy)
    return [...lastSeen.keys()].sort()
  }

  const readOn = async (): Promise<void> => {
    if (cursor === '') {
      const [seconds] = await prompt.time()
      cursor = `${Number(seconds) * 1_000 - lookBackMs}-0`
    }
    const reply = await patient.xread('COUNT', 1_000, 'BLOCK', 1_000, 'STREAMS', names.reports, cursor)
    for (const [id, fields] of readStreamReply(reply).get(names.reports) ?? []) {
      cursor = id
      take(fields)
    }
  }

  const run = async (): Promise<void> => {
    let told = false
    while (!stopped) {
      try {
        await readOn()
        told = false
      } catch (error) {
        if (stopped) return
        if (!told) alarm('reports can’t be read from Redis', { error: (error as Error).message })
        told = true
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }
  const running = run()

  const receipts: Receipts = {
    of: async (sequence) => {
      const expected = fleet()
      const missing = () => {
        const confirmed = new Set(confirmations.get(sequence)?.map(({ proxy }) => proxy))
        return expected.filter((proxy) => !confirmed.has(proxy))
      }
      if (missing().length > 0) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            clearTimeout(timer)
            waiting.delete(wake)
            resolve()
          }
          const wake = (): void => {
            if (missing().length === 0) done()
          }
          const timer = setTimeout(done, confirmWithinMs)
          waiting.add(wake)
        })
      }
      const confirmed = confirmations.get(sequence) ?? []
      return {
        confirmed: confirmed.map(({ proxy }) => proxy).sort(),
        missing: missing(),
        streamsCut: confirmed.reduce((sum, { cut }) => sum + cut, 0),
      }
    },
  }

  return {
    receipts,
    stop: async (): Promise<void> => {
      stopped = true
      patient.disconnect()
      await running
    },
  }
}
