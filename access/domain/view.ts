import { alone, type Keep, keepPlainly, versionOf } from './compact-grant.ts'
import { createConfirmations } from './confirmation.ts'
import type { End, Grant } from './grant.ts'
import type { Held, HeldGrant } from './held.ts'
import { createLockBook, type KeptLock } from './lock-book.ts'
import { principalKey } from './principal.ts'
import { reachOf } from './reach.ts'
import { createSetHash } from './set-hash.ts'
import { createUnattested } from './unattested.ts'

/** One event of the stream. Sequence numbers are contiguous within an epoch. */
export type ViewEvent =
  | { readonly kind: 'grant'; readonly sequence: number; readonly grant: Grant; readonly statement: string }
  | { readonly kind: 'end'; readonly sequence: number; readonly end: End; readonly statement: string }

/** The same of who is locked out: they share the numbers. */
export type LockEvent = KeptLock & { readonly kind: 'lock' | 'lift'; readonly sequence: number }

export type Applied = {
  readonly gap: boolean
  readonly given?: HeldGrant
  readonly ended?: HeldGrant
  /** The version that made way for `given`. */
  readonly replaced?: HeldGrant
  /** The proven version that is newer than the one of the event. */
  readonly newer?: HeldGrant
  /** The version that is newer than the one of the event, and held, but not proven yet. */
  readonly unproven?: HeldGrant
}

/** What outlives a resync, so that a snapshot from an older Redis brings neither a grant nor a version back. */
type Memory = {
  /** Ids of what ended, by a signature that was checked. */
  readonly ended: Set<string>
  /** The same where it is not checked yet. Apart, so that a flood of forged ends makes nobody forget a proven one. */
  readonly believed: Set<string>
  /** id → its newest version whose signature was checked, until its end is proven. */
  readonly proven: Map<string, HeldGrant>
}

const rememberedHashes = 512
/** Signing takes milliseconds, and clocks differ by 2 s at most before somebody is told. */
const newlySignedMs = 5_000
const rememberedEnds = 200_000
/** Proven versions of grants that Redis no longer holds, and no end is known of. */
const rememberedLost = 100_000

/**
 * The in-memory copy of the live grants. It does no I/O and knows no clock: `adapters/redis/follow-view.ts` feeds
 * it, `decide-request.ts` reads it. Versions never go back, and an end beats every version.
 */
export const createView = (
  keep: Keep = keepPlainly,
  /** Whether a held grant is by a key that was revoked. It is held and counted, as by everybody, and gives nothing. */
  isDistrusted: (held: HeldGrant) => boolean = () => false,
) => {
  const memory: Memory = { ended: new Set(), believed: new Set(), proven: new Map() }
  const { ended, believed, proven } = memory
  let headAt: number | undefined
  const headTime = (): number => headAt ?? Number.NEGATIVE_INFINITY
  let state = createState(memory, keep, isDistrusted, -1, headTime)
  /** What is being loaded beside it. */
  let loading: State | undefined
  let ready = false
  let locksRemembered = false
  /** Apart from what a resync replaces. */
  const locks = createLockBook()
  const confirmations = createConfirmations()

  const forgetLost = (): void => {
    let surplus = proven.size - state.live.size - rememberedLost
    for (const id of surplus > 0 ? proven.keys() : [])
      if (surplus > 0 && !state.live.has(id) && proven.delete(id)) surplus -= 1
  }

  return {
    /**
     * Begins a full resync from the state at this sequence number. The old state goes on deciding until `commit`.
     */
    resync: (from: number) => {
      const next = createState(memory, keep, isDistrusted, from, headTime)
      // One that was given up, without ever deciding, may have known newer versions too.
      const earlier = loading === undefined ? [state] : [state, loading]
      loading = next
      return {
        /** Loads what Redis holds. Where a newer version is proven, that one is kept instead, and returned. */
        load: (grant: Grant, statement: string): HeldGrant | undefined => {
          const known = [proven.get(grant.id), state.live.get(grant.id)]
          next.put(known.find((held) => held?.statement === statement) ?? keep(grant, statement), grant)
          return next.newer(grant)
        },
        /** Newer versions of this grant that were held, but never proven: to be proven before it is loaded. */
        unprovenOf: ({ id, version }: Grant): HeldGrant[] =>
          earlier.flatMap(({ live }) => {
            const held = live.get(id)
            return held === undefined || held.verified || versionOf(held).version <= version ? [] : [held]
          }),
        /** Everything that was held, is newer than what is loaded (if anything is), and was never proven. */
        unproven: (): HeldGrant[] =>
          earlier.flatMap(({ live }) =>
            [...live.values()].filter((held) => {
              const { id, version } = versionOf(held)
              return !held.verified && version > next.versionOf(id)
            }),
          ),
        get: (id: string): HeldGrant | undefined => next.live.get(id),
        /** Loads what Redis holds of somebody who is or was locked out. */
        loadLock: (kept: KeptLock): void => {
          locks.believe(kept)
          next.putLock(kept)
        },
        apply: next.apply,
        /** Nothing more is loaded: the events up to the sequence number so far are all in. */
        loaded: next.exact,
        sequence: next.sequence,
        at: (sequence: number) => next.hashes.get(sequence),
        agreed: next.agreed,
        /** From now on the loaded state decides; it agrees with the stream at its sequence number. */
        commit: (): void => {
          next.exact()
          state = next
          loading = undefined
          ready = true
          forgetLost()
        },
      }
    },
    /** Applies the next event. `gap` means that events are missing, and a full resync is due. */
    apply: (event: ViewEvent | LockEvent): Applied => state.apply(event),
    /** Carries out an end before its event is due here: during a resync the old state goes on deciding. */
    endEarly: (end: End): HeldGrant | undefined => state.end(end),
    /**
     * The signature of a grant was checked: no older version is taken any more. Tells whether one had been taken
     * meanwhile, which made way now.
     */
    proved: (held: HeldGrant): boolean => {
      held.verified = true
      const { id, version } = versionOf(held)
      const newest = proven.get(id)
      if (ended.has(id) || (newest !== undefined && versionOf(newest).version > version)) return false
      proven.set(id, held)
      const overtook = [state, loading].map((one) => one?.overtake(held))
      return overtook.includes(true)
    },
    /** The signature of an end was checked. What is proven is never forgotten for a forged one. */
    proveEnd: ({ id }: End): void => {
      rememberEnd(ended, id)
      believed.delete(id)
      proven.delete(id)
    },
    /** Forgets an end that proved to be forged. The grant comes back with the next resync. */
    disbelieveEnd: (id: string): void => void believed.delete(id),
    /** Whether this grant is known to have ended, by a signature that was checked. */
    endProven: (id: string): boolean => ended.has(id),
    /** Takes out a grant whose signature does not hold. Count and set hash keep it until the next resync. */
    reject: (held: HeldGrant): void => state.reject(held),
    /** The time of the newest verified head: freshness counts from there. Never goes back. */
    headSeen: (at: number): void => {
      if (headAt === undefined || at > headAt) headAt = at
    },
    /** A verified head agrees with what was live at this sequence number. */
    agreed: (sequence: number): void => state.agreed(sequence),
    /** A verified head does not agree: what came since the last that did is nobody's until one does. Returns that. */
    disagreed: (): HeldGrant[] => state.disagreed(),
    /** Whether a grant that comes as new was signed long before the newest head: somebody shows it once more. */
    isStaleNews: ({ id, at }: Grant, slackMs: number): boolean =>
      !state.live.has(id) && at + slackMs < headTime(),
    /** Milliseconds since the newest verified head was signed; infinite before the first. */
    age: (now: number): number =>
      headAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, now - headAt),
    /** Count and set hash as they were at a sequence number, while remembered. */
    at: (sequence: number) => state.hashes.get(sequence),
    sequence: (): number => state.sequence(),
    isDistrusted,
    /** A key was revoked: what it signed gives nothing any more. Returns what had given something until now. */
    distrust: (): HeldGrant[] => {
      loading?.distrust()
      return state.distrust()
    },
    /** The newest head may be somebody's who stole the key: it attests nothing, and only another can. */
    forgetHead: (): void => {
      headAt = undefined
    },
    /** Whether there was a full sync. Until then nothing is allowed. */
    ready: (): boolean => ready,
    get: (id: string): HeldGrant | undefined => state.live.get(id),
    /** What this principal (`principalKey`) holds for this service. */
    heldBy: (service: string, principal: string): Held | undefined => state.heldBy(service, principal),
    all: (): Iterable<HeldGrant> => state.live.values(),
    locks,
    /** PagerDuty's word on the incidents of passes. */
    confirmations,
    confirmedUntil: confirmations.until,
    /** A key that signs PagerDuty's word was revoked: what stood by that is decided on anew. */
    forgetWord: (kid: string): void => {
      confirmations.forget(kid)
      state.findOutAgain()
    },
    /** Who is locked out is known from before this process began. */
    rememberLocks: (): void => {
      locksRemembered = true
    },
    /** Whether this process knows, or did once, who is locked out. Until then nobody is let in who may be. */
    knowsLocks: (): boolean => ready || locksRemembered,
    /** Shuts a principal (`principalKey`) out of everything, whatever they hold, until `unlock`. */
    lock: locks.lock,
    unlock: locks.unlock,
    isLocked: locks.isLocked,
  }
}

export type View = ReturnType<typeof createView>

type State = ReturnType<typeof createState>

const rememberEnd = (ends: Set<string>, id: string): void => {
  ends.add(id)
  if (ends.size > rememberedEnds) for (const oldest of ends) if (ends.delete(oldest)) break
}

const createState = (
  { ended, believed, proven }: Memory,
  keep: Keep,
  isDistrusted: (held: HeldGrant) => boolean,
  from: number,
  headTime: () => number,
) => {
  const live = new Map<string, HeldGrant>()
  /**
   * service → principal → what they hold: both keys are strings at hand, so a look-up builds none. Nearly everybody holds
   * one grant for a service, which stands here by itself until somebody asks.
   */
  const byService = new Map<string, Map<string, Held | HeldGrant>>()
  const hashes = new Map<number, { readonly count: number; readonly set: string }>()
  /** principal → the newest statement about them in this Redis. What it says is decided on by the book of locks. */
  const lockStatements = new Map<string, KeptLock>()
  const setHash = createSetHash()
  const unattested = createUnattested()
  /** Members of the set hash. A rejected grant is one until the next resync, as it is for whoever signs heads. */
  let count = 0
  let sequence = from
  let exact = false

  const changeHeld = (grant: Grant, change: (held: HeldGrant[]) => HeldGrant[]): void => {
    if (grant.state !== 'active') return
    const principal = alone(principalKey(grant.who))
    for (const service of reachOf(grant)) {
      const holders = byService.get(service) ?? new Map<string, Held | HeldGrant>()
      const grants = change([...grantsOf(holders.get(principal))])
      const [only] = grants
      if (only === undefined) holders.delete(principal)
      else holders.set(principal, grants.length === 1 ? only : { grants, check: undefined })
      if (holders.size > 0) byService.set(service, holders)
      else byService.delete(service)
    }
  }

  const heldBy = (service: string, principal: string): Held | undefined => {
    const holders = byService.get(service)
    const found = holders?.get(principal)
    if (found === undefined || 'grants' in found) return found
    const held: Held = { grants: [found], check: undefined }
    holders?.set(principal, held)
    return held
  }

  const drop = (held: HeldGrant): void => {
    live.delete(versionOf(held).id)
    changeHeld(held.grant, (all) => all.filter((other) => other !== held))
  }

  const remove = (held: HeldGrant): void => {
    drop(held)
    setHash.remove(held.statement)
    count -= 1
  }

  const newer = ({ id, version }: Grant): HeldGrant | undefined => {
    const newest = proven.get(id)
    return newest !== undefined && versionOf(newest).version > version ? newest : undefined
  }

  const versionNow = (id: string): number => {
    const held = live.get(id)
    return held === undefined ? 0 : versionOf(held).version
  }

  /** Puts a grant in, or its newest proven version. `said` is what `comes` says. */
  const put = (
    comes: HeldGrant,
    said: Grant,
  ): { readonly given?: HeldGrant; readonly replaced?: HeldGrant } => {
    const newest = newer(said)
    const held = newest ?? comes
    const grant = newest?.grant ?? said
    const { id } = versionOf(held)
    const before = live.get(id)
    if (ended.has(id) || believed.has(id)) return {}
    if (before !== undefined && versionOf(before).version >= grant.version) return {}
    if (before !== undefined) remove(before)
    live.set(id, held)
    setHash.add(held.statement)
    count += 1
    if (!unattested.waits(id) && !isDistrusted(held)) changeHeld(grant, (all) => [...all, held])
    return before === undefined ? { given: held } : { given: held, replaced: before }
  }

  const end = ({ id }: End): HeldGrant | undefined => {
    if (!ended.has(id)) rememberEnd(believed, id)
    const held = live.get(id)
    if (held !== undefined) remove(held)
    return held
  }

  const given = (grant: Grant, statement: string) => {
    if (unattested.has(grant.id) || !live.has(grant.id))
      unattested.add(grant.id, sequence, grant.at + newlySignedMs < headTime())
    const newest = newer(grant)
    const held = live.get(grant.id)
    const unproven = held !== undefined && !held.verified && versionOf(held).version > grant.version
    return {
      ...put(keep(grant, statement), grant),
      ...(newest === undefined ? {} : { newer: newest }),
      ...(unproven ? { unproven: held } : {}),
    }
  }

  const over = (it: End) => {
    const held = end(it)
    return held === undefined ? {} : { ended: held }
  }

  const changeBy = (event: ViewEvent | LockEvent) => {
    if (event.kind === 'grant') return given(event.grant, event.statement)
    if (event.kind === 'end') return over(event.end)
    putLock({ lock: event.lock, statement: event.statement })
    return {}
  }

  const putLock = (kept: KeptLock): void => {
    const principal = principalKey(kept.lock.who)
    const before = lockStatements.get(principal)
    if (before !== undefined) {
      if (before.lock.version > kept.lock.version) return
      setHash.remove(before.statement)
      count -= 1
    }
    lockStatements.set(principal, kept)
    setHash.add(kept.statement)
    count += 1
  }

  const agreed = (upTo: number): void => {
    for (const id of unattested.agreed(upTo)) {
      const held = live.get(id)
      if (held !== undefined && !isDistrusted(held)) changeHeld(held.grant, (all) => [...all, held])
    }
  }

  const disagreed = (): HeldGrant[] =>
    unattested.disagreed().flatMap((id) => {
      const held = live.get(id)
      if (held === undefined) return []
      changeHeld(held.grant, (all) => all.filter((other) => other !== held))
      return [held]
    })

  const remember = (): void => {
    hashes.set(sequence, { count, set: setHash.value() })
    hashes.delete(sequence - rememberedHashes)
  }

  return {
    live,
    heldBy,
    versionOf: versionNow,
    hashes,
    put,
    putLock,
    newer,
    end,
    /** A version was proven late: an older one that was taken meanwhile makes way. Tells whether there was one. */
    overtake: (held: HeldGrant): boolean => {
      const { id, version } = versionOf(held)
      if (!live.has(id) || versionNow(id) >= version) return false
      put(held, held.grant)
      if (exact) remember()
      return true
    },
    agreed,
    disagreed,
    distrust: (): HeldGrant[] => {
      const found = [...live.values()].filter(isDistrusted)
      for (const held of found) {
        changeHeld(held.grant, (all) => all.filter((other) => other !== held))
        held.verified = false
      }
      return found
    },
    /** Forgets what deciding found out about what is held. */
    findOutAgain: (): void => {
      for (const holders of byService.values())
        for (const found of holders.values()) if ('grants' in found) found.check = undefined
    },
    sequence: (): number => sequence,
    exact: (): void => {
      exact = true
      remember()
    },
    apply: (event: ViewEvent | LockEvent): Applied => {
      if (event.sequence <= sequence) return { gap: false }
      if (event.sequence !== sequence + 1) return { gap: true }
      sequence = event.sequence
      const change = changeBy(event)
      if (exact) remember()
      return { gap: false, ...change }
    },
    reject: (held: HeldGrant): void => {
      if (live.get(versionOf(held).id) === held) drop(held)
    },
  }
}

const grantsOf = (found: Held | HeldGrant | undefined): readonly HeldGrant[] => {
  if (found === undefined) return []
  return 'grants' in found ? found.grants : [found]
}
