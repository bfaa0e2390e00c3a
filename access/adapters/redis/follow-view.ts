import type { Redis } from 'ioredis'
import { Fault } from '../../domain/errors.ts'
import type { HeldGrant, View, ViewEvent } from '../../domain/view.ts'
import type { LiveGrants } from '../../ports.ts'
import { readUnverified, type Statements } from '../statements.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'
import { readStreamReply, type StreamEntry } from './stream-reply.ts'

export type ViewListener = {
  /** A grant ended. Called at once, before the end's signature is checked: cutting can't wait. */
  readonly ended?: (held: HeldGrant, sequence: number) => void
  readonly given?: (held: HeldGrant, sequence: number) => void
  /** The view is in step with Redis, for the first time or again. */
  readonly synced?: () => void
  /** What the first sync waits for. */
  readonly waiting?: (what: string) => void
  /** Something that should not happen: a forged statement, a gap, a set that differs from the signed head. */
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}

const blockMs = 1_000

/**
 * Keeps a view in step with Redis: a snapshot, then the stream from the snapshot's sequence number, with a signed
 * head once a second. A gap, another epoch, a sequence number that went back or a set that differs from the signed
 * head means a full resync.
 *
 * The snapshot may be read while changes go on: putting and ending are idempotent by version, so replaying the
 * events from before the snapshot leads to the exact state.
 */
export const followView = (
  {
    prompt,
    patient,
    view,
    statements,
  }: {
    /** For short commands. */
    readonly prompt: Redis
    /** For the blocking read: a connection of its own. */
    readonly patient: Redis
    readonly view: View
    readonly statements: Statements
  },
  listener: ViewListener,
) => {
  let stopped = false
  let epoch = ''
  let cursorHeads = '0-0'
  let lastSequence = -1
  const waiting = new Set<{ readonly sequence: number; readonly done: () => void }>()

  const resync = async (): Promise<void> => {
    const [storedEpoch, stored] = await reachable(prompt.mget(names.epoch, names.sequence))
    if (!storedEpoch) throw new Fault('store/unreachable', 'Redis holds no epoch yet')
    epoch = storedEpoch
    const next = view.resync(Number(stored ?? 0))
    let cursor = '0'
    do {
      const [to, fields] = await reachable(prompt.hscan(names.live, cursor, 'COUNT', 1_000))
      cursor = to
      for (let index = 1; index < fields.length; index += 2) {
        const statement = fields[index] as string
        const grant = readable('grant', statement)
        if (grant !== undefined) next.load(grant, statement)
      }
    } while (cursor !== '0')
    const since = await reachable(prompt.xrange(names.events, `(${Number(stored ?? 0)}-0`, '+'))
    for (const [id, fields] of since) {
      const event = eventOf(id, fields)
      if (event === undefined || next.apply(event).gap)
        throw new Fault('store/unreachable', 'events are missing')
    }
    next.commit()
    lastSequence = -1
    const newest = await reachable(prompt.xrevrange(names.heads, '+', '-', 'COUNT', 1))
    cursorHeads = newest[0]?.[0] ?? '0-0'
    await checkHeads(newest)
    settleWaiting()
  }

  const readable = (kind: 'grant', statement: string) => {
    try {
      return readUnverified(kind, statement)
    } catch (error) {
      listener.alarm('a stored grant can’t be read', { error: (error as Error).message })
      return undefined
    }
  }

  /** Reads on; false means that a resync is due. */
  const readOn = async (): Promise<boolean> => {
    const { events, heads } = names
    const reply = await patient.call(
      'XREAD',
      'BLOCK',
      blockMs,
      'COUNT',
      1_000,
      'STREAMS',
      events,
      heads,
      `${view.sequence()}-0`,
      cursorHeads,
    )
    const streams = readStreamReply(reply)
    const changes = streams.get(events) ?? []
    if (changes.length === 0 && !(await sameRedis())) return false
    if (!applyAll(changes)) return false
    settleWaiting()
    return checkHeads(streams.get(heads) ?? [])
  }

  /**
   * Redis may go back without a word (a failover that loses writes, a restore, an empty start): events would come
   * again under numbers this view has passed, and would never be read.
   */
  const sameRedis = async (): Promise<boolean> => {
    const [storedEpoch, stored] = await reachable(prompt.mget(names.epoch, names.sequence))
    if (storedEpoch === epoch && Number(stored ?? 0) >= view.sequence()) return true
    listener.alarm('Redis went back', { ours: view.sequence(), theirs: Number(stored ?? 0) })
    return false
  }

  const applyAll = (entries: readonly StreamEntry[]): boolean => {
    for (const [id, fields] of entries) {
      const event = eventOf(id, fields)
      if (event === undefined) {
        listener.alarm('an event can’t be read', { id })
        return false
      }
      const { gap, given, ended } = view.apply(event)
      if (gap) {
        listener.alarm('events are missing', { after: view.sequence(), next: event.sequence })
        return false
      }
      if (given !== undefined) listener.given?.(given, event.sequence)
      if (ended !== undefined) listener.ended?.(ended, event.sequence)
      if (event.kind === 'end') void checkEnd(event.statement)
    }
    return true
  }

  let forgedEnds = 0

  /** An end that does not verify was not ours to believe: the next resync brings the grant back. */
  const checkEnd = async (statement: string): Promise<void> => {
    try {
      await statements.verify('end', statement)
    } catch (error) {
      forgedEnds += 1
      listener.alarm('an end does not verify', { error: (error as Error).message })
    }
  }

  const checkHeads = async (entries: readonly StreamEntry[]): Promise<boolean> => {
    for (const [id, fields] of entries) {
      cursorHeads = id
      const head = await statements.verify('head', fields[1] ?? '').catch((error: Error) => {
        listener.alarm('a head does not verify', { error: error.message })
      })
      if (head === undefined) continue
      if (head.epoch !== epoch) {
        listener.alarm('the head names another epoch', { ours: epoch, theirs: head.epoch })
        return false
      }
      if (head.sequence > view.sequence()) {
        listener.alarm('the head is ahead of the events', { ours: view.sequence(), theirs: head.sequence })
        return false
      }
      // A head may trail the events by one period. Trailing on while nothing new comes means that Redis went back.
      if (head.sequence < view.sequence() && view.sequence() === lastSequence) {
        listener.alarm('Redis went back', { ours: view.sequence(), theirs: head.sequence })
        return false
      }
      lastSequence = view.sequence()
      const ours = view.at(head.sequence)
      if (ours === undefined) continue
      if (ours.count !== head.count || ours.set !== head.set) {
        listener.alarm('the live grants differ from the signed head', {
          ours: ours.count,
          theirs: head.count,
        })
        return false
      }
      view.headSeen(head.at)
    }
    return true
  }
  const settleWaiting = (): void => {
    for (const wait of waiting) {
      if (view.sequence() < wait.sequence) continue
      waiting.delete(wait)
      wait.done()
    }
  }

  /** Before the first sync, Redis that is not there yet is only waited for. */
  const tellTrouble = (error: string): void => {
    if (view.ready()) listener.alarm('the view can’t be read from Redis', { error })
    else listener.waiting?.(error)
  }

  const run = async (): Promise<void> => {
    let inStep = false
    let told = ''
    while (!stopped) {
      try {
        if (!inStep) {
          await resync()
          inStep = true
          told = ''
          listener.synced?.()
        }
        inStep = await readOn()
      } catch (error) {
        if (stopped) return
        inStep = false
        const what = (error as Error).message
        if (told !== what) tellTrouble(what)
        told = what
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  const running = run()

  const live: LiveGrants = {
    get: view.get,
    all: view.all,
    catchUp: async () => {
      const sequence = Number((await reachable(prompt.get(names.sequence))) ?? 0)
      if (view.ready() && view.sequence() >= sequence) return
      await new Promise<void>((done) => waiting.add({ sequence, done }))
    },
  }

  return {
    live,
    epoch: (): string => epoch,
    forgedEnds: (): number => forgedEnds,
    stop: async (): Promise<void> => {
      stopped = true
      patient.disconnect()
      await running
    },
  }
}

export type ViewFollower = ReturnType<typeof followView>

const eventOf = (id: string, fields: readonly string[]): ViewEvent | undefined => {
  const sequence = Number(id.split('-')[0])
  const [, kind, , , , statement] = fields
  if (statement === undefined) return undefined
  try {
    if (kind === 'grant') return { kind, sequence, grant: readUnverified('grant', statement), statement }
    if (kind === 'end') return { kind, sequence, end: readUnverified('end', statement), statement }
  } catch {
    return undefined
  }
  return undefined
}
