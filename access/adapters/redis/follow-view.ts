import type { Redis } from 'ioredis'
import { Fault } from '../../domain/errors.ts'
import type { End, Grant } from '../../domain/grant.ts'
import type { HeldGrant } from '../../domain/held.ts'
import type { Lock } from '../../domain/lock.ts'
import type { KeptLock } from '../../domain/lock-book.ts'
import { principalKey } from '../../domain/principal.ts'
import type { LockEvent, View, ViewEvent } from '../../domain/view.ts'
import type { Clock, LiveGrants, Locks } from '../../ports.ts'
import { createCheckLock } from '../check-lock.ts'
import { readUnverified, readUnverifiedLock, type Statements } from '../statements.ts'
import { closeForGood, connectBeside, reachable, readBlocking } from './connect.ts'
import { readStoredLock } from './lock-store.ts'
import { names } from './names.ts'
import { scanHash } from './scan-hash.ts'
import { readStreamReply, type StreamEntry } from './stream-reply.ts'

export type ViewListener = {
  /** A grant ended. Called at once, before the end's signature is checked: cutting can't wait. */
  readonly ended?: (held: HeldGrant, sequence: number) => void
  readonly given?: (held: HeldGrant, sequence: number) => void
  /** Somebody is locked out. Called at once, before the signature is checked. Without a number, it was found in a snapshot. */
  readonly locked?: (lock: Lock, sequence: number | undefined) => void
  /** Redis holds nothing of this, or something older: it lost it. Whoever is known to be locked out stays so here. */
  readonly lockLost?: (lost: Lock, statement: string) => void
  /** It came since the last head that agreed, and the next did not: it decides nothing until one does. */
  readonly withheld?: (held: HeldGrant) => void
  /** The view is in step with Redis, for the first time or again. */
  readonly synced?: () => void
  /** Redis holds a grant as live that is known to have ended: it lost the end. */
  readonly returned?: (grant: Grant, statement: string) => void
  /** A grant ended, and the signature of its end was checked. */
  readonly endProven?: (end: End, statement: string) => void
  /** Redis holds an older version than this proven one: it lost the newer. */
  readonly outdated?: (newer: HeldGrant) => void
  /** It is genuine, and by a key that was revoked. */
  readonly lockDoubted?: (kept: KeptLock) => void
  /** What the first sync waits for. */
  readonly waiting?: (what: string) => void
  /** Something that should not happen: a forged statement, a gap, a set that differs from the signed head. */
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}

const blockMs = 1_000
const pauseMs = 100
const touchMs = 2_000
const catchUpMs = 1_500
const mostEntries = 1_000
const leastEntries = 8
/** Clocks that differ by more are somebody's to mend. */
const skewMs = 2_000
/** No bot writes what it signed longer ago, whatever kept it. */
const oldNewsMs = 60_000
const alarmBehind = 3

type Candidate = ReturnType<View['resync']>

/**
 * Keeps a view in step with Redis: a snapshot, then the stream from the snapshot's sequence number, with a signed
 * head once a second. A gap, another epoch, a sequence number that went back or a set that differs from the signed
 * head means a full resync.
 *
 * The snapshot may be read while changes go on: putting and ending are idempotent by version, so replaying the
 * events from before the snapshot leads to the exact state. Until it is complete and attested the old state goes on
 * deciding, and still carries out every end.
 *
 * A version that is proven is never given up for an older one. Whoever signs heads without knowing of it (a bot that
 * started after Redis lost it) finds nobody who knows it to agree: where heads are demanded, the view stays as it was
 * and grows stale, until a bot that knows better has written the newer version again.
 */
export const followView = (
  {
    prompt,
    patient,
    view,
    statements,
    clock,
    heads: whoAttests,
    lift,
  }: {
    /** For short commands. */
    readonly prompt: Redis
    /** For the blocking read: a connection of its own. */
    readonly patient: Redis
    readonly view: View
    readonly statements: Statements
    readonly clock: Clock
    /**
     * `demanded`: what was loaded counts only once a signed head agrees with it, so that nobody who can only write to
     * Redis decides what is live. `optional` for bots and workers, who sign the heads.
     */
    readonly heads: 'demanded' | 'optional'
    /** How many people the rules demand to let somebody in who was locked out. */
    readonly lift?: number | undefined
  },
  listener: ViewListener,
) => {
  let stopped = false
  let epoch = ''
  let cursorHeads = '0-0'
  let readAt = Number.NEGATIVE_INFINITY
  let lastSequence = -1
  /** Something believed proved to be forged, so a resync is due. */
  let misled = false
  /** How many heads in a row named a revoked key that is not known here. */
  let behind = 0
  /** So much of a snapshot is asked for at once: less where Redis closes the connection, as it may where a reply is too long. */
  let bite = mostEntries
  /** How many reads in a row were never answered. */
  let broken = 0
  let candidate: Candidate | undefined
  /** What is being checked, and a resync must know. */
  const checks = new Set<Promise<void>>()
  /** Who is locked out is known for sure once these are through. */
  const lockChecks = new Set<Promise<void>>()
  const waiting = new Set<{ readonly sequence: number; readonly done: () => void }>()

  const bitten = async <T>(read: Promise<T>): Promise<T> => {
    try {
      return await reachable(read)
    } catch (error) {
      bite = Math.max(Math.ceil(bite / 4), leastEntries)
      throw error
    }
  }

  const piecesOf = (redis: Redis, key: string) => (cursor: string) =>
    bitten(redis.hscan(key, cursor, 'COUNT', bite))

  const resync = async (): Promise<void> => {
    candidate = undefined
    const [storedEpoch, stored] = await reachable(prompt.mget(names.epoch, names.sequence))
    const beside = connectBeside(prompt)
    try {
      await resyncBy(beside, storedEpoch, Number(stored ?? 0))
      bite = Math.min(bite * 2, mostEntries)
    } finally {
      beside.disconnect()
    }
  }

  const resyncBy = async (
    redis: Redis,
    storedEpoch: string | null | undefined,
    from: number,
  ): Promise<void> => {
    if (!storedEpoch) throw new Fault('store/unreachable', 'Redis holds no epoch yet')
    epoch = storedEpoch
    await Promise.all(checks)
    const next = view.resync(from)
    for await (const [, statement] of scanHash(piecesOf(redis, names.live))) {
      const grant = readable('grant', statement)
      if (grant === undefined) continue
      const unproven = next.unprovenOf(grant)
      if (unproven.length > 0) await learn(unproven)
      const newer = next.load(grant, statement)
      if (newer !== undefined) listener.outdated?.(newer)
      if (view.endProven(grant.id)) listener.returned?.(grant, statement)
    }
    await loadLocks(redis, next)
    for (let all = false; !all; ) {
      const most = bite
      const since = await bitten(redis.xrange(names.events, `(${next.sequence()}-0`, '+', 'COUNT', most))
      candidate = next
      if (!applyAll(since)) throw new Fault('store/unreachable', 'events are missing')
      all = since.length < most
    }
    const unproven = next.unproven()
    await learn(unproven.filter(({ grant }) => next.get(grant.id) !== undefined))
    check(learn(unproven.filter(({ grant }) => next.get(grant.id) === undefined)))
    next.loaded()
    lastSequence = -1
    // Whoever was in step before has read Redis now, and may attest it: no head would ever come if all waited for one.
    if (view.ready()) readAt = performance.now()
    if (whoAttests === 'optional') commit(next)
    const newest = await reachable(prompt.xrevrange(names.heads, '+', '-', 'COUNT', 1))
    cursorHeads = newest[0]?.[0] ?? '0-0'
    if (!(await checkHeads(newest))) throw new Fault('store/unreachable', 'the signed head does not agree')
    if (candidate !== undefined) listener.waiting?.('a signed head that agrees')
  }

  /** Loads who is locked out, checks it, and tells what is missing of what was known. */
  const loadLocks = async (redis: Redis, next: Candidate): Promise<void> => {
    const known = view.locks.proven()
    const found = new Map<string, number>()
    for await (const [, stored] of scanHash(piecesOf(redis, names.locks))) {
      const kept = readableLock(readStoredLock(stored))
      if (kept === undefined) continue
      const principal = principalKey(kept.lock.who)
      const before = view.isLocked(principal)
      next.loadLock(kept)
      if (!before && view.isLocked(principal)) listener.locked?.(kept.lock, undefined)
      if (await checkLock(kept)) found.set(principal, kept.lock.at)
    }
    for (const { lock, statement } of known)
      if ((found.get(principalKey(lock.who)) ?? Number.NEGATIVE_INFINITY) < lock.at)
        listener.lockLost?.(lock, statement)
  }

  const readableLock = (statement = ''): KeptLock | undefined => {
    try {
      return { lock: readUnverifiedLock(statement), statement }
    } catch (error) {
      listener.alarm('a stored lock can’t be read', { error: (error as Error).message })
      return undefined
    }
  }

  const verdictOn = createCheckLock({
    view,
    statements,
    lift,
    doubted: listener.lockDoubted,
    alarm: listener.alarm,
  })
  /** Tells whether it holds. */
  const checkLock = async (kept: KeptLock): Promise<boolean> => (await verdictOn(kept)) === 'holds'

  const lockBy = ({ lock, statement }: KeptLock, sequence: number): void => {
    const kept = { lock, statement }
    view.locks.believe(kept)
    if (view.isLocked(principalKey(lock.who))) listener.locked?.(lock, sequence)
    const checking = checkLock(kept).then((holds) => {
      if (!holds) misled = true
    })
    lockChecks.add(checking)
    void checking.finally(() => lockChecks.delete(checking))
    check(checking)
  }

  const commit = (next: Candidate): void => {
    next.commit()
    candidate = undefined
    settleWaiting()
    listener.synced?.()
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
    if (patient.status !== 'ready') {
      await pause()
      return true
    }
    const { events, heads } = names
    broken += 1
    const reply = await readBlocking(
      patient,
      blockMs,
      'XREAD',
      'BLOCK',
      blockMs,
      'COUNT',
      mostEntries,
      'STREAMS',
      events,
      heads,
      `${(candidate ?? view).sequence()}-0`,
      cursorHeads,
    )
    broken = 0
    readAt = performance.now()
    if (misled) {
      misled = false
      return false
    }
    const streams = readStreamReply(reply)
    const changes = streams.get(events) ?? []
    if (changes.length === 0 && !(await sameRedis())) return false
    if (!applyAll(changes)) return false
    settleWaiting()
    // With more events to come, a head may well be ahead of those read so far.
    return changes.length === mostEntries || checkHeads(streams.get(heads) ?? [])
  }

  /**
   * Redis may go back without a word (a failover that loses writes, a restore, an empty start): events would come
   * again under numbers this view has passed, and would never be read.
   */
  const sameRedis = async (): Promise<boolean> => {
    const [storedEpoch, stored] = await reachable(prompt.mget(names.epoch, names.sequence))
    const ours = (candidate ?? view).sequence()
    if (storedEpoch === epoch && Number(stored ?? 0) >= ours) return true
    listener.alarm('Redis went back', { ours, theirs: Number(stored ?? 0) })
    return false
  }

  const applyAll = (entries: readonly StreamEntry[]): boolean => {
    for (const [id, fields] of entries) {
      const event = eventOf(id, fields)
      if (event === undefined) {
        listener.alarm('an event can’t be read', { id })
        return false
      }
      if (event.kind === 'grant') tellShownAgain(event)
      const early = candidate !== undefined && event.kind === 'end' ? view.endEarly(event.end) : undefined
      const { gap, given, replaced, newer, unproven, ended = early } = (candidate ?? view).apply(event)
      if (gap) {
        listener.alarm('events are missing', { next: event.sequence })
        return false
      }
      if (event.kind === 'lock' || event.kind === 'lift') lockBy(event, event.sequence)
      if (given !== undefined && candidate === undefined) listener.given?.(given, event.sequence)
      if (ended !== undefined) listener.ended?.(ended, event.sequence)
      if (replaced !== undefined) check(learn([replaced]))
      if (newer !== undefined) listener.outdated?.(newer)
      if (unproven !== undefined && listener.outdated !== undefined) check(tellProven(unproven))
      if (event.kind === 'end') check(checkEnd(event.end, event.statement, [early, ended]))
    }
    return true
  }

  /** A pass that has ended comes again as if it were new; `oldNewsMs` also tells those who started after its end. */
  const tellShownAgain = ({ grant, statement }: ViewEvent & { kind: 'grant' }): void => {
    const isOld = view.isStaleNews(grant, oldNewsMs)
    if (isOld) listener.alarm('a pass was shown again long after it was signed', { grant: grant.id })
    if (isOld || view.endProven(grant.id)) listener.returned?.(grant, statement)
  }

  const check = (checking: Promise<void>): void => {
    checks.add(checking)
    void checking.finally(() => checks.delete(checking))
  }

  /** What leaves the view and is genuine must not be forgotten, or an older version could take its place. */
  const learn = async (leaving: readonly (HeldGrant | undefined)[]): Promise<void> => {
    for (const held of leaving) {
      if (held === undefined || held.verified || stopped) continue
      const genuine = await statements.verify('grant', held.statement).catch(() => undefined)
      if (genuine !== undefined) keepProven(held)
    }
  }

  /** An older version may have been taken while this was being checked: Redis gave that one. */
  const keepProven = (held: HeldGrant): void => {
    if (!view.proved(held)) return
    listener.outdated?.(held)
    if (candidate === undefined) listener.given?.(held, view.sequence())
  }

  /** Redis gave an older version than this, which is worth telling only where this one is genuine. */
  const tellProven = async (held: HeldGrant): Promise<void> => {
    await learn([held])
    if (held.verified) listener.outdated?.(held)
  }

  /** An end that does not verify was not ours to believe: a resync brings the grant back. */
  const checkEnd = async (
    { id }: End,
    statement: string,
    taken: readonly (HeldGrant | undefined)[],
  ): Promise<void> => {
    try {
      const end = await statements.verify('end', statement)
      view.proveEnd(end)
      listener.endProven?.(end, statement)
    } catch (error) {
      listener.alarm('an end does not verify', { grant: id, error: (error as Error).message })
      await learn(taken)
      view.disbelieveEnd(id)
      misled = true
    }
  }

  /** Checks the signature of a held grant, once. What does not hold is taken out, and Redis is read anew. */
  const prove = async (held: HeldGrant): Promise<boolean> => {
    if (view.isDistrusted(held)) return false
    if (held.verified) return true
    try {
      await statements.verify('grant', held.statement)
      if (view.isDistrusted(held)) return false
      keepProven(held)
    } catch (error) {
      view.reject(held)
      misled = true
      listener.alarm('a grant does not verify', { grant: held.grant.id, error: (error as Error).message })
    }
    return held.verified
  }

  const checkHeads = async (entries: readonly StreamEntry[]): Promise<boolean> => {
    for (const [id, fields] of entries) {
      cursorHeads = id
      const head = await statements.verify('head', fields[1] ?? '').catch((error: Error) => {
        listener.alarm('a head does not verify', { error: error.message })
      })
      if (head === undefined) continue
      const unheard = head.revoked?.filter((kid) => !statements.isRevokedKey(kid)) ?? []
      if (unheard.length > 0) {
        // It comes by another way, and may be a moment late. Until then this view knows too little to be fresh.
        behind += 1
        if (behind === alarmBehind)
          listener.alarm('the heads name revoked keys that are not known here', { kids: unheard })
        continue
      }
      behind = 0
      if (head.epoch !== epoch) {
        listener.alarm('the head names another epoch', { ours: epoch, theirs: head.epoch })
        return false
      }
      const judged = candidate ?? view
      const sequence = judged.sequence()
      if (head.sequence > sequence) {
        listener.alarm('the head is ahead of the events', { ours: sequence, theirs: head.sequence })
        return false
      }
      // A head may trail the events by one period. Trailing on while nothing new comes means that Redis went back.
      if (head.sequence < sequence && sequence === lastSequence) {
        listener.alarm('Redis went back', { ours: sequence, theirs: head.sequence })
        return false
      }
      lastSequence = sequence
      const ours = judged.at(head.sequence)
      if (ours === undefined) continue
      if (ours.count !== head.count || ours.set !== head.set) {
        for (const held of view.disagreed()) listener.withheld?.(held)
        listener.alarm('the live grants differ from the signed head', {
          ours: ours.count,
          theirs: head.count,
        })
        return false
      }
      const now = clock.now()
      if (head.at > now + skewMs) {
        listener.alarm('the head is signed in the future', { aheadMs: head.at - now })
        await hearTime(head.at)
        continue
      }
      judged.agreed(head.sequence)
      view.headSeen(Math.min(head.at, now))
      if (candidate !== undefined) commit(candidate)
    }
    return true
  }

  /** A signer's clock may be ahead. Where Redis, which signs nothing, says so too, ours is behind. */
  const hearTime = async (signedAt: number): Promise<void> => {
    if (clock.hear === undefined) return
    const asked = performance.now()
    const [seconds, micros] = await reachable(prompt.time())
    const theirs = Number(seconds) * 1_000 + Number(micros) / 1_000 + (performance.now() - asked)
    // The head is from a moment ago. Redis may be as far ahead of it as clocks may differ, and no further.
    const at = Math.ceil(Math.min(signedAt + skewMs, theirs))
    if (!(at > clock.now() + skewMs)) return
    listener.alarm('this clock is behind, and was put right', { behindMs: at - clock.now() })
    clock.hear(at)
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
        }
        inStep = await readOn()
        if (!inStep) await pause()
      } catch (error) {
        if (stopped) return
        // A connection that broke goes on where it was, but for one that broke again at the same place.
        inStep = inStep && broken === 1
        const what = (error as Error).message
        if (told !== what) tellTrouble(what)
        told = what
        await pause()
      }
    }
  }

  const running = run()

  const stepIn = async (): Promise<void> => {
    const sequence = Number((await reachable(prompt.get(names.sequence))) ?? 0)
    if (view.ready() && view.sequence() >= sequence) return
    await new Promise<void>((resolve, reject) => {
      const wait = {
        sequence,
        done: () => {
          clearTimeout(timer)
          resolve()
        },
      }
      const timer = setTimeout(() => {
        waiting.delete(wait)
        reject(new Fault('store/unreachable', `the view is not in step after ${catchUpMs} ms`))
      }, catchUpMs)
      waiting.add(wait)
    })
  }

  const live: LiveGrants = {
    get: view.get,
    all: view.all,
    genuine: prove,
    epoch: () => epoch,
    confirmedUntil: view.confirmedUntil,
    catchUp: async () => {
      await stepIn()
      await Promise.all(lockChecks)
    },
  }

  const locks: Locks = {
    isLocked: view.isLocked,
    of: view.locks.of,
    all: () => view.locks.proven().map(({ lock }) => lock),
  }

  return {
    prove,
    locks,
    /** Whether Redis was read lately: who is cut off must not attest anything. */
    inTouch: (): boolean => performance.now() - readAt < touchMs,
    live,
    epoch: (): string => epoch,
    /** A key that signs heads was revoked: what is held has to be attested anew. */
    distrustHeads: (): void => {
      view.forgetHead()
      misled = true
    },
    stop: async (): Promise<void> => {
      stopped = true
      closeForGood(patient)
      await running
    },
  }
}

export type ViewFollower = ReturnType<typeof followView>

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pauseMs))

const eventOf = (id: string, fields: readonly string[]): ViewEvent | LockEvent | undefined => {
  const sequence = Number(id.split('-')[0])
  const [, kind, , , , statement] = fields
  if (statement === undefined) return undefined
  try {
    if (kind === 'grant') return { kind, sequence, grant: readUnverified('grant', statement), statement }
    if (kind === 'end') return { kind, sequence, end: readUnverified('end', statement), statement }
    if (kind === 'lock' || kind === 'lift')
      return { kind, sequence, lock: readUnverifiedLock(statement), statement }
  } catch {
    return undefined
  }
  return undefined
}
