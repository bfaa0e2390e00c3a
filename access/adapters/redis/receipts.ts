import type { Redis } from 'ioredis'
import type { Report } from '../../domain/report.ts'
import type { Receipts } from '../../ports.ts'
import type { Statements } from '../statements.ts'
import { closeForGood, readBlocking } from './connect.ts'
import { names } from './names.ts'
import { provenReports } from './reports.ts'
import { readStreamReply } from './stream-reply.ts'

const blockMs = 1_000
const confirmWithinMs = 1_500

type Confirmation = { readonly proxy: string; readonly cut: number; readonly grant: string | undefined }

/**
 * Follows what proxies report: which of them live, and what they confirm. A proxy that says nothing any more may only
 * be cut off, and goes on with what it knows for `silentAfterMs` (the longest `when_stale`): so long it is expected to
 * confirm, and named when it does not. `patient` is a connection of its own for the blocking read. What no proxy has signed
 * is no report.
 */
export const followReceipts = (
  prompt: Redis,
  patient: Redis,
  statements: Pick<Statements, 'verify'>,
  silentAfterMs: number,
  alarm: (what: string, facts: Record<string, unknown>) => void,
  /** Told every end that a proxy remembers and Redis has lost: its signed statement, not checked yet. */
  reasserted?: (statement: string) => void,
  /** The same of who is locked out. */
  lockLost?: (statement: string) => void,
) => {
  /** By the life of each process: an old report that is shown again speaks for no other. */
  const lastSeen = new Map<string, { readonly proxy: string; readonly at: number }>()
  const confirmed = new Map<number, Confirmation[]>()
  const waiting = new Set<() => void>()
  let stopped = false
  let cursor = ''

  const take = (report: Report): void => {
    if (report.kind === 'gone') lastSeen.delete(report.boot)
    else lastSeen.set(report.boot, { proxy: report.proxy, at: performance.now() })
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
    for (const [boot, { at }] of lastSeen) if (at < since) lastSeen.delete(boot)
    return [...new Set([...lastSeen.values()].map(({ proxy }) => proxy))].sort()
  }

  const readOn = async (): Promise<void> => {
    if (cursor === '') {
      const [seconds] = await prompt.time()
      cursor = `${Number(seconds) * 1_000 - silentAfterMs}-0`
    }
    const words = ['COUNT', 1_000, 'BLOCK', blockMs, 'STREAMS', names.reports, cursor]
    const reply = await readBlocking(patient, blockMs, 'XREAD', ...words)
    const entries = readStreamReply(reply).get(names.reports) ?? []
    const proven = await Promise.all(entries.map(([, fields]) => provenReports(statements, fields)))
    for (const [index, [id]] of entries.entries()) {
      cursor = id
      const reports = proven[index]
      if (reports === undefined) alarm('reports that no proxy has signed', { id })
      else reports.forEach(take)
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
