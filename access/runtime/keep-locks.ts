import { dirname } from 'node:path'
import { createCheckLock } from '../adapters/check-lock.ts'
import { readLockRecords, writeLockRecord } from '../adapters/lock-file.ts'
import { readUnverifiedLock, type Statements } from '../adapters/statements.ts'
import type { KeptLock } from '../domain/lock-book.ts'
import type { View } from '../domain/view.ts'
import { stopwatch } from './clock.ts'

type Alarm = (what: string, facts: Record<string, unknown>) => void

export type LockKeepingParts = {
  readonly view: Pick<View, 'locks' | 'ready' | 'age' | 'rememberLocks'>
  readonly statements: Statements
  /** Where this process keeps it. What others keep beside it is read, too. */
  readonly file: string
  readonly now: () => number
  /** How many people the rules demand to let somebody in who was locked out. */
  readonly lift: number | undefined
  readonly alarm: Alarm
}

/** Who was locked out since is not in it: what is older is as bad as nothing. */
const goodForMs = 86_400_000
/** Clocks that differ by more are somebody's to mend. */
const skewMs = 2_000

/**
 * Reads who was locked out when processes here last knew, so that a proxy that starts while Redis is away goes on shutting
 * them out. What is read is checked like what comes from Redis. Only where all of it holds, and some of it is of the last
 * day, is it enough to let anybody in by; whoever it names is shut out all the same. Tells as of when it is known; undefined
 * where it is not.
 */
export const restoreLocks = async (parts: LockKeepingParts): Promise<number | undefined> => {
  const { view, statements, file, now, lift, alarm } = parts
  const unknown = (why: string): undefined =>
    void alarm('nobody knows who is locked out before the first sync, so no pass signed offline counts', {
      why,
    })
  const records = await readLockRecords(dirname(file)).catch((error: NodeJS.ErrnoException) =>
    String(error.code),
  )
  if (typeof records === 'string') return unknown(`the record on disk can't be read (${records})`)
  const check = createCheckLock({ view, statements, lift, alarm })
  const bad: string[] = []
  for (const [from, record] of records) {
    const kept = record === undefined ? undefined : readAll(record.statements)
    for (const one of kept ?? []) view.locks.believe(one)
    const verdicts = await Promise.all((kept ?? []).map(check))
    if (kept === undefined || verdicts.includes('does not hold')) bad.push(from)
  }
  if (bad.length > 0) return unknown(`the record on disk does not hold: ${bad.join(', ')}`)
  const asOf = Math.max(...[...records.values()].map((record) => record?.asOf ?? Number.NEGATIVE_INFINITY))
  if (asOf === Number.NEGATIVE_INFINITY) return unknown('there is no record on disk yet')
  const age = now() - asOf
  if (!(age <= goodForMs && age >= -skewMs)) return unknown('the record on disk is not of the last day')
  view.rememberLocks()
  return asOf
}

const readAll = (statements: readonly string[]): KeptLock[] | undefined => {
  try {
    return statements.map((statement) => ({ lock: readUnverifiedLock(statement), statement }))
  } catch {
    return undefined
  }
}

const everyMs = 100
const againAfterMs = 600_000
const afterTroubleMs = 5_000

/** Writes down who is locked out, as long as the process runs: whenever that changes, and now and then that it did not. */
export const keepLocks = ({ view, file, now, alarm }: LockKeepingParts) => {
  let changes = -1
  let writtenAsOf = Number.NEGATIVE_INFINITY
  let notBefore = Number.NEGATIVE_INFINITY
  let busy: Promise<void> | undefined

  const attestedAt = (): number => Math.floor(now() - view.age(now()))

  const write = async (): Promise<void> => {
    const [next, asOf] = [view.locks.changes(), attestedAt()]
    try {
      await writeLockRecord(file, { asOf, statements: view.locks.kept().map(({ statement }) => statement) })
      ;[changes, writtenAsOf] = [next, asOf]
    } catch (error) {
      notBefore = stopwatch() + afterTroubleMs
      alarm('who is locked out could not be kept on disk', { file, error: (error as Error).message })
    }
  }
  const look = (): Promise<void> => {
    const isDue = changes !== view.locks.changes() || attestedAt() - writtenAsOf >= againAfterMs
    if (view.ready() && Number.isFinite(attestedAt()) && isDue && stopwatch() >= notBefore)
      busy ??= write().finally(() => {
        busy = undefined
      })
    return busy ?? Promise.resolve()
  }
  const timer = setInterval(() => void look(), everyMs)

  return {
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await busy
      await look()
    },
  }
}
