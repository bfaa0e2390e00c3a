import type { End, Grant } from './grant.ts'
import { principalKey } from './principal.ts'
import { createSetHash } from './set-hash.ts'

/** A live grant as a process holds it. */
export type HeldGrant = {
  readonly grant: Grant
  /** The signed statement, as Redis carried it. */
  readonly statement: string
  /** Whether the statement's signature has been checked: at first use, and in the background. */
  verified: boolean
}

/** One event of the stream. Sequence numbers are contiguous within an epoch. */
export type ViewEvent =
  | { readonly kind: 'grant'; readonly sequence: number; readonly grant: Grant; readonly statement: string }
  | { readonly kind: 'end'; readonly sequence: number; readonly end: End; readonly statement: string }

export type Applied = { readonly gap: boolean; readonly given?: HeldGrant; readonly ended?: HeldGrant }

/** id → the end that is remembered of it. */
type Tombstones = Map<string, { readonly version: number; readonly proven: boolean }>

const rememberedHashes = 512
const rememberedEnds = 200_000
const none: readonly HeldGrant[] = []

/**
 * The in-memory copy of the live grants. It does no I/O and knows no clock: `adapters/redis/follow-view.ts` feeds
 * it, `decide-request.ts` reads it. Versions never go back, and an end beats every version.
 */
export const createView = () => {
  /** Ends outlive a resync, so that a snapshot from an older Redis can't bring a grant back. */
  const ended: Tombstones = new Map()
  let state = createState(ended, -1)
  let ready = false
  let headAt: number | undefined

  return {
    /**
     * Begins a full resync from the state at this sequence number. The old state goes on deciding until `commit`.
     */
    resync: (from: number) => {
      const next = createState(ended, from)
      return {
        load: (grant: Grant, statement: string): void => {
          const known = state.live.get(grant.id)
          next.put(known?.statement === statement ? known : { grant, statement, verified: false })
        },
        apply: next.apply,
        /** Nothing more is loaded: the events up to the sequence number so far are all in. */
        loaded: next.exact,
        sequence: next.sequence,
        at: (sequence: number) => next.hashes.get(sequence),
        /** From now on the loaded state decides; it agrees with the stream at its sequence number. */
        commit: (): void => {
          next.exact()
          state = next
          ready = true
        },
      }
    },
    /** Applies the next event. `gap` means that events are missing, and a full resync is due. */
    apply: (event: ViewEvent): Applied => state.apply(event),
    /** Carries out an end before its event is due here: during a resync the old state goes on deciding. */
    endEarly: (end: End): HeldGrant | undefined => state.end(end),
    /** The signature of an end was checked. What is proven is never forgotten for a forged one. */
    proveEnd: ({ id, version }: End): void => void ended.set(id, { version, proven: true }),
    /** Forgets an end that proved to be forged. The grant comes back with the next resync. */
    disbelieveEnd: (id: string): void => {
      if (ended.get(id)?.proven === false) ended.delete(id)
    },
    /** Whether this grant is known to have ended, by a signature that was checked. */
    endProven: (id: string): boolean => ended.get(id)?.proven ?? false,
    /** Takes out a grant whose signature does not hold. Count and set hash keep it until the next resync. */
    reject: (held: HeldGrant): void => state.reject(held),
    /** The time of the newest verified head: freshness counts from there. Never goes back. */
    headSeen: (at: number): void => {
      if (headAt === undefined || at > headAt) headAt = at
    },
    /** Milliseconds since the newest verified head was signed; infinite before the first. */
    age: (now: number): number =>
      headAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, now - headAt),
    /** Count and set hash as they were at a sequence number, while remembered. */
    at: (sequence: number) => state.hashes.get(sequence),
    sequence: (): number => state.sequence(),
    /** Whether there was a full sync. Until then nothing is allowed. */
    ready: (): boolean => ready,
    get: (id: string): HeldGrant | undefined => state.live.get(id),
    /** What this principal (`principalKey`) holds for this service: active grants only. */
    heldBy: (service: string, principal: string): readonly HeldGrant[] =>
      state.byService.get(service)?.get(principal) ?? none,
    all: (): Iterable<HeldGrant> => state.live.values(),
  }
}

export type View = ReturnType<typeof createView>

const createState = (ended: Tombstones, from: number) => {
  const live = new Map<string, HeldGrant>()
  /** service → principal → what they hold: both keys are strings at hand, so a look-up builds none. */
  const byService = new Map<string, Map<string, HeldGrant[]>>()
  const hashes = new Map<number, { readonly count: number; readonly set: string }>()
  const setHash = createSetHash()
  /** Members of the set hash. A rejected grant is one until the next resync, as it is for whoever signs heads. */
  let count = 0
  let sequence = from
  let exact = false

  const changeHeld = ({ state, services, who }: Grant, change: (held: HeldGrant[]) => HeldGrant[]): void => {
    if (state !== 'active') return
    const principal = principalKey(who)
    for (const service of services) {
      const holders = byService.get(service) ?? new Map<string, HeldGrant[]>()
      byService.set(service, holders)
      const held = change(holders.get(principal) ?? [])
      if (held.length > 0) holders.set(principal, held)
      else holders.delete(principal)
    }
  }

  const drop = (held: HeldGrant): void => {
    live.delete(held.grant.id)
    changeHeld(held.grant, (all) => all.filter((other) => other !== held))
  }

  const remove = (held: HeldGrant): void => {
    drop(held)
    setHash.remove(held.statement)
    count -= 1
  }

  const put = (held: HeldGrant): boolean => {
    const { grant } = held
    const before = live.get(grant.id)
    if (ended.has(grant.id) || (before !== undefined && before.grant.version >= grant.version)) return false
    if (before !== undefined) remove(before)
    live.set(grant.id, held)
    setHash.add(held.statement)
    count += 1
    changeHeld(grant, (all) => [...all, held])
    return true
  }

  const end = ({ id, version }: End): HeldGrant | undefined => {
    ended.set(id, { version, proven: ended.get(id)?.proven ?? false })
    if (ended.size > rememberedEnds) for (const oldest of ended.keys()) if (ended.delete(oldest)) break
    const held = live.get(id)
    if (held !== undefined) remove(held)
    return held
  }

  const given = (grant: Grant, statement: string) => {
    const held: HeldGrant = { grant, statement, verified: false }
    return put(held) ? { given: held } : {}
  }

  const over = (it: End) => {
    const held = end(it)
    return held === undefined ? {} : { ended: held }
  }

  const remember = (): void => {
    hashes.set(sequence, { count, set: setHash.value() })
    hashes.delete(sequence - rememberedHashes)
  }

  return {
    live,
    byService,
    hashes,
    put,
    end,
    sequence: (): number => sequence,
    exact: (): void => {
      exact = true
      remember()
    },
    apply: (event: ViewEvent): Applied => {
      if (event.sequence <= sequence) return { gap: false }
      if (event.sequence !== sequence + 1) return { gap: true }
      sequence = event.sequence
      const change = event.kind === 'grant' ? given(event.grant, event.statement) : over(event.end)
      if (exact) remember()
      return { gap: false, ...change }
    },
    reject: (held: HeldGrant): void => {
      if (live.get(held.grant.id) === held) drop(held)
    },
  }
}
