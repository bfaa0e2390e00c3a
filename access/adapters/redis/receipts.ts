import type { Redis } from 'ioredis'
import type { Receipts } from '../../ports.ts'
import { closeForGood, readBlocking } from './connect.ts'
import { names } from './names.ts'
import { readReport } from './reports.ts'
import { readStreamReply } from './stream-reply.ts'

const blockMs = 1_000
const confirmWithinMs = 1_500

type Confirmation = { readonly proxy: string; readonly cut: number; readonly grant: string | undefined }

/**
 * Follows what proxies report: which of them live, and what they confirm. A proxy that says nothing any more may only
 * be cut off, and goes on with what it knows for `silentAfterMs` (the longest `when_stale`): so long it is expected to
 * confirm, and named when it does not. `patient` is a connection of its own for the blocking read.
 */
export const followReceipts = (
  prompt: Redis,
  patient: Redis,
  silentAfterMs: number,
  alarm: (what: string, facts: Record<string, unknown>) => void,
  /** Told every end that a proxy remembers and Redis has lost: its signed statement, not checked yet. */
  reasserted?: (statement: string) => void,
  /** The same of who is locked out. */
  lockLost?: (statement: string) => void,
) => {
  const lastSeen = new Map<string, number>()
  const confirmed = new Map<number, Confirmation[]>()
  const waiting = new Set<() => void>()
  let stopped = false
  let cursor = ''

  const take = (fields: readonly string[]): void => {
    const report = readReport(fields)
    if (report === undefined) return
    if (report.kind === 'gone') lastSeen.delete(report.proxy)
    else lastSeen.set(report.proxy, performance.now())
    if (report.kind === 'reasserted') reasserted?.(report.statement)
    if (report.kind === 'lock-lost') lockLost?.(report.statement)
    if (report.kind !== 'confirmed') return
    const { sequence, proxy, cut, grant } = report
    confirmed.set(sequence, [
      ...(confirmed.get(sequence) ?? []).filter((one) => one.proxy !== proxy),
      { proxy, cut, grant },
    ])
    if (confirmed.size > 1_000) for (const oldest of confirmed.keys()) if (confirmed.delete(oldest)) break
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
      cursor = `${Number(seconds) * 1_000 - silentAfterMs}-0`
    }
    const words = ['COUNT', 1_000, 'BLOCK', blockMs, 'STREAMS', names.reports, cursor]
    const reply = await readBlocking(patient, blockMs, 'XREAD', ...words)
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
    of: async (sequence, grant) => {
      const expected = fleet()
      const confirmations = () =>
        (confirmed.get(sequence) ?? []).filter((one) => grant === undefined || (one.grant ?? grant) === grant)
      const missing = () => {
        const confirmed = new Set(confirmations().map(({ proxy }) => proxy))
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
      const all = confirmations()
      return {
        confirmed: all.map(({ proxy }) => proxy).sort(),
        missing: missing(),
        streamsCut: all.reduce((sum, { cut }) => sum + cut, 0),
      }
    },
  }

  return {
    receipts,
    stop: async (): Promise<void> => {
      stopped = true
      closeForGood(patient)
      await running
    },
  }
}
