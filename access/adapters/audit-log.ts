import { fdatasync, write } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../domain/errors.ts'

/** Told when a line is in the log, or why it is not. */
export type Written = (error: Fault | undefined) => void

type Waiting = { readonly written: Written | undefined; readonly synced: boolean; readonly queuedAt: number }

const deadlineMs = 500
const lookMs = 50
/** Lines that nobody waits for ride with the next ones, or go by themselves after this long. */
const soonMs = 10
/** As many waiting at once mean that more come within a millisecond. */
const crowd = 4
const mostQueuedBytes = 8 * 1024 * 1024

/**
 * An append-only log of one process. Lines are gathered and written by one asynchronous write at a time, so that a
 * stalled disk never stops the event loop; whoever needs a line on disk (`synced`) waits for the next `fdatasync`,
 * shared by all that wait. What is not written within 500 ms counts as not written; the time in which this process
 * itself stood still is nobody's delay.
 */
export const openAuditLog = async (folder: string, origin: string) => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${origin}.jsonl`)
  const handle = await open(file, 'a+', 0o600)
  const torn = await endsTorn(handle)

  let lines = torn ? '\n' : ''
  let waiting: Waiting[] = []
  let inFlight: Waiting[] = []
  let unsynced: Waiting[] = []
  let scheduled: 'not' | 'soon' | 'now' = 'not'
  let lastBatch = 0
  let batchBytes = 0
  let writing = false
  let syncing = false
  let inSync: Waiting[] = []
  let broken = false
  let idle: (() => void) | undefined
  let lookedAt = performance.now()
  let stoodStill = 0

  const settle = (all: readonly Waiting[], error?: Error): void => {
    const fault =
      error === undefined
        ? undefined
        : new Fault('audit/failed', `the audit log can't be written: ${error.message}`, { cause: error })
    for (const { written } of all) written?.(fault)
  }

  /**
   * Lines that somebody waits for go at the end of this turn of the event loop, with whatever else it brings. Under
   * load they wait a millisecond for company: a write costs the same for one line and for twenty.
   */
  const schedule = (): void => {
    if (writing || lines === '' || scheduled === 'now') return
    if (waiting.length > 0) {
      scheduled = 'now'
      if (lastBatch < crowd) setImmediate(flush)
      else setTimeout(flush, 1)
    } else if (scheduled === 'not') {
      scheduled = 'soon'
      setTimeout(flush, soonMs)
    }
  }

  const flush = (): void => {
    scheduled = 'not'
    if (writing || lines === '') return
    writing = true
    const batch = Buffer.from(broken ? `\n${lines}` : lines)
    lines = ''
    inFlight = waiting
    waiting = []
    lastBatch = inFlight.length
    batchBytes = batch.length
    writeFrom(batch, 0)
  }

  const writeFrom = (batch: Buffer, from: number): void => {
    write(handle.fd, batch, from, batch.length - from, null, (error, count) => {
      if (error === null && count < batch.length - from) return writeFrom(batch, from + count)
      writing = false
      batchBytes = 0
      const done = inFlight
      inFlight = []
      broken = error !== null
      if (error !== null) settle(done, error)
      else {
        settle(done.filter(({ synced }) => !synced))
        unsynced.push(...done.filter(({ synced }) => synced))
        sync()
      }
      schedule()
      if (lines === '' && !syncing) idle?.()
    })
  }

  const sync = (): void => {
    if (syncing || unsynced.length === 0) return
    syncing = true
    inSync = unsynced
    unsynced = []
    fdatasync(handle.fd, (error) => {
      syncing = false
      const done = inSync
      inSync = []
      settle(done, error ?? undefined)
      sync()
      if (!syncing && !writing && lines === '') idle?.()
    })
  }

  /** Fails whoever has waited too long. Their lines may still be written: a record without its effect is harmless. */
  const expireLate = (): void => {
    const before = lookedAt - stoodStill - deadlineMs
    const late = (all: readonly Waiting[]) => all.filter(({ queuedAt }) => queuedAt < before)
    const due = [...late(inSync), ...late(unsynced), ...late(inFlight), ...late(waiting)]
    if (due.length === 0) return
    const inTime = (all: readonly Waiting[]) => all.filter(({ queuedAt }) => queuedAt >= before)
    inSync = inTime(inSync)
    unsynced = inTime(unsynced)
    inFlight = inTime(inFlight)
    waiting = inTime(waiting)
    settle(due, new Error(`not written within ${deadlineMs} ms`))
  }
  const look = (): void => {
    const now = performance.now()
    stoodStill += Math.max(0, now - lookedAt - 2 * lookMs)
    lookedAt = now
    // What was done meanwhile is heard of first.
    setImmediate(expireLate)
  }
  const watch = setInterval(look, lookMs)
  watch.unref()

  return {
    file,
    /** Whether the last process to write here was cut off in the middle of a line. */
    torn,
    /** Appends a whole line (with its line break). `synced`: `written` waits until it would survive a power cut. */
    append: (line: string, synced = false, written?: Written): void => {
      if (lines.length > mostQueuedBytes) {
        written?.(new Fault('audit/failed', 'the audit log can’t keep up'))
        return
      }
      lines += line
      if (written !== undefined) waiting.push({ written, synced, queuedAt: performance.now() - stoodStill })
      schedule()
    },
    /** What is not in the log yet: bytes (as many as characters, near enough), and who waits for a line of theirs. */
    pending: (): { readonly bytes: number; readonly waiting: number } => ({
      bytes: lines.length + batchBytes,
      waiting: waiting.length + inFlight.length + unsynced.length + inSync.length,
    }),
    close: async (): Promise<void> => {
      if (lines !== '' || writing || syncing) {
        flush()
        await new Promise<void>((resolve) => {
          idle = resolve
        })
      }
      clearInterval(watch)
      try {
        await handle.datasync()
      } finally {
        await handle.close()
      }
    },
  }
}
export type AuditLog = Awaited<ReturnType<typeof openAuditLog>>

const endsTorn = async (handle: FileHandle): Promise<boolean> => {
  const { size } = await handle.stat()
  if (size === 0) return false
  const last = Buffer.alloc(1)
  await handle.read(last, 0, 1, size - 1)
  return last[0] !== 0x0a
}
