import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Keys } from '../adapters/keys.ts'
import { awaitSafe, watchSafe } from '../adapters/redis/connect.ts'
import { followConfirmations } from '../adapters/redis/follow-confirmations.ts'
import { followView } from '../adapters/redis/follow-view.ts'
import { createGrantStore } from '../adapters/redis/grant-store.ts'
import { createLockAgain, watchLocks } from '../adapters/redis/lock-again.ts'
import { createLockStore } from '../adapters/redis/lock-store.ts'
import { prepareStore } from '../adapters/redis/prepare-store.ts'
import { readLive, readLiveIds } from '../adapters/redis/read-live.ts'
import { signHeads } from '../adapters/redis/sign-heads.ts'
import { createWriteAgain } from '../adapters/redis/write-again.ts'
import { createSignedByRevoked } from '../adapters/revocations.ts'
import { createStatements, readUnverifiedLock } from '../adapters/statements.ts'
import { keepPlainly } from '../domain/compact-grant.ts'
import type { HeldGrant } from '../domain/held.ts'
import { kindOfLock, type Lock } from '../domain/lock.ts'
import { principalKey } from '../domain/principal.ts'
import { createView } from '../domain/view.ts'
import type { Clock } from '../ports.ts'
import { keepRevocations, type RevocationFiles } from './keep-revocations.ts'
import type { KeepingMode } from './keeping-mode.ts'
import { locksFromBefore } from './locks-from-before.ts'
import { createUndoRevoked, doubtLocks, type Signed, signedBy } from './undo-revoked.ts'

/**
 * What every bot and worker does about grants, whatever else it does: prepares an empty Redis, keeps a view, takes
 * its turn at signing heads, and can change grants as far as its keys allow.
 */
export const keepGrants = async ({
  prompt,
  patient,
  keys,
  clock,
  instance,
  alarm,
  endsKnown,
  locksKnown,
  production = false,
  lift,
  revocationFiles,
}: {
  readonly prompt: Redis
  readonly patient: Redis
  readonly keys: Keys
  readonly clock: Clock
  readonly instance: string
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
  /** Refuses a Redis without a password. */
  readonly production?: boolean
  /** Signed ends of these grants that this process kept from before, and Redis may have lost. */
  readonly endsKnown?: (grants: ReadonlySet<string>) => AsyncIterable<string>
  /** Signed locks, and what lifted them, that this process kept from before, the oldest first. */
  readonly locksKnown?: () => AsyncIterable<string>
  /** How many people the rules demand to let somebody in who was locked out. */
  readonly lift?: number | undefined
  /** Where this process keeps which keys were revoked. */
  readonly revocationFiles?: RevocationFiles | undefined
}) => {
  await awaitSafe(prompt, { closed: production })
  const stopWatching = watchSafe(prompt, alarm)
  const newEpoch = (): string => randomBytes(16).toString('hex')
  await prepareStore(prompt, newEpoch())
  const { environment } = keys
  const statements = createStatements(keys)
  const view = createView(keepPlainly, createSignedByRevoked(keys))
  const store = createGrantStore(prompt, statements, clock, `${instance}-${newEpoch()}`)
  const again = createWriteAgain(
    prompt,
    statements,
    clock,
    `${instance}-${newEpoch()}`,
    keys.own.has('issue'),
  )
  /** Redis lost an end (a failover, a restore): it is written again by whoever remembers it. */
  const returned = (statement: string): void => {
    statements
      .verify('grant', statement)
      .then(async (grant) => {
        const became = await again.end(grant)
        if (became === 'ended') alarm('a lost end was written again', { grant: grant.id })
        if (became === 'refused') alarm('a lost end could not be written again', { grant: grant.id })
      })
      .catch((error: Error) => alarm('a lost end could not be written again', { error: error.message }))
  }
  /** Redis lost a version: so is that, where it can be; elsewhere the grant is ended. */
  const outdated = (newer: HeldGrant): void => {
    const { id, version } = newer.grant
    again
      .version(newer)
      .then((became) => {
        if (became === 'given') alarm('a lost version was written again', { grant: id, version })
        if (became === 'ended')
          alarm('a pass was ended, because Redis lost its newest version', { grant: id })
        if (became === 'refused') alarm('a lost version could not be written again', { grant: id, version })
      })
      .catch((error: Error) => alarm('a lost version could not be written again', { error: error.message }))
  }
  // A restored Redis holds as live what ended since. Who knows better must do so before attesting anything.
  if (endsKnown !== undefined)
    // This process's own record, made when the key was not revoked.
    for await (const statement of endsKnown(await readLiveIds(prompt)))
      await statements.verify('end', statement, 'even revoked').then(view.proveEnd, () => undefined)
  const lockedBefore = locksKnown === undefined ? [] : await locksFromBefore(statements, locksKnown(), lift)
  for (const kept of lockedBefore)
    if (statements.isRevoked(kept.statement)) view.locks.doubt(kept)
    else view.locks.prove(kept)
  const locks = createLockStore(prompt, statements)
  const writeLockAgain = createLockAgain(prompt, statements, locks, keys.own.has('issue'))
  /** Redis lost that somebody is locked out, or was let in again. */
  const lockLost = (lost: Lock): void => {
    alarm('Redis lost who is locked out', { lock: lost.id, state: lost.state })
    void putLockAgain(lost)
  }
  const putLockAgain = async (lost: Lock): Promise<void> => {
    const facts = { lock: lost.id, state: lost.state }
    try {
      const became = await writeLockAgain(lost)
      if (became === 'written again') alarm('a lost lock was written again', facts)
      if (became === 'refused') alarm('a lost lock could not be written again', facts)
    } catch (error) {
      alarm('a lost lock could not be written again', { error: (error as Error).message })
    }
  }
  const follower = followView(
    { prompt, patient, view, statements, clock, heads: 'optional', lift },
    {
      alarm,
      returned: (_, statement) => returned(statement),
      outdated,
      lockLost,
      lockDoubted: (kept) => undo.lock(kept),
      synced: () => {
        void undo.grants()
        // What a revoked key signed is proven to nobody, so that nobody else would miss it.
        for (const { lock, statement } of lockedBefore.splice(0))
          if (statements.isRevoked(statement)) void putLockAgain({ ...lock, agreed: [] })
      },
      // What is attested in a head was checked: a forged grant that came as an event is taken out.
      given: (held) => void (view.isDistrusted(held) ? undo.grants() : follower.prove(held)),
    },
  )
  const { epoch } = follower
  const confirmed = followConfirmations({
    redis: prompt,
    statements,
    confirmations: view.confirmations,
    clock,
    alarm,
  })
  const undo = createUndoRevoked({ view, statements, end: again.end, lockStore: locks, clock, alarm })
  /** What became of one order. */
  const carryOut = async (kid: string): Promise<void> => {
    view.distrust()
    if (keys.trusted.get(kid)?.role === 'head') follower.distrustHeads()
    view.forgetWord(kid)
    doubtLocks(view, statements, undo.lock)
    await undo.grants()
  }
  const carriedOut = new Map<string, Promise<unknown>>()
  const revocations = keepRevocations(
    { keys, redis: prompt, files: revocationFiles, writes: true, alarm },
    // An order comes twice, before it is in Redis and after: what the first one ends is under way for the second.
    (kid) => void carriedOut.set(kid, Promise.all([carriedOut.get(kid), carryOut(kid)])),
  )
  void revocations.look()
  const ownRevoked = (): string[] =>
    [...keys.own.values()].flatMap(({ kid }) => (keys.revoked.has(kid) ? [kid] : []))
  const headKey = keys.own.get('head')
  const inTouch = (): boolean =>
    follower.inTouch() && !(headKey !== undefined && keys.revoked.has(headKey.kid))
  const watched = watchLocks(prompt, statements, view.locks.proven, lockLost)
  const heads = signHeads({
    redis: prompt,
    view,
    statements,
    clock,
    instance,
    environment,
    epoch,
    inTouch,
    newEpoch,
    revoked: () => [...keys.revoked],
    alarm,
  })

  /** Somebody remembers this end, and says that Redis has lost it. It is checked first. */
  const endAgain = async (statement: string): Promise<void> => {
    const end = await statements.verify('end', statement).catch((error: Error) => {
      alarm('an end that was to be written again does not verify', { error: error.message })
    })
    if (end === undefined) return
    view.proveEnd(end)
    const live = await readLive(prompt, end.id)
    if (live !== undefined) returned(live)
  }

  /**
   * Somebody remembers this lock, and says that Redis has lost it. It is checked first, and whoever agreed to lift it has to
   * agree again: what is kept from before must not make up for people.
   */
  const lockAgain = async (statement: string): Promise<void> => {
    try {
      const lock = await statements.verify(kindOfLock(readUnverifiedLock(statement)), statement)
      const known = view.locks.of(principalKey(lock.who))
      if (lock.state !== 'locked' || (known !== undefined && known.at > lock.at)) return
      await putLockAgain({ ...lock, agreed: [] })
    } catch (error) {
      alarm('a lock that was to be written again does not verify', { error: (error as Error).message })
    }
  }

  return {
    statements,
    endAgain,
    lockAgain,
    live: follower.live,
    confirmations: view.confirmations,
    store,
    locks: follower.locks,
    lockStore: locks,
    /** Takes an order to revoke a key; resolves when what that key signed has been ended, and tells how much that was. */
    revoke: async (statement: string) => {
      const revocation = await statements.verify('revocation', statement)
      const signed = signedBy(view, revocation.kid)
      const { kid, order } = await revocations.order(statement)
      await carriedOut.get(kid)
      await follower.live.catchUp()
      return { kid, order, signed, left: signedBy(view, kid) }
    },
    /** What is live and was signed with this key. */
    signedBy: (kid: string): Signed => signedBy(view, kid),
    waitingFor: (): string[] => [
      ...(view.ready() ? [] : ['the first sync with Redis']),
      ...ownRevoked().map((kid) => `another key than "${kid}", which was revoked`),
    ],
    mode: (): KeepingMode => (view.ready() ? (inTouch() ? 'in step' : 'without Redis') : 'starting'),
    stop: async (): Promise<void> => {
      stopWatching()
      await heads.stop()
      await watched.stop()
      await confirmed.stop()
      await revocations.stop()
      await follower.stop()
    },
  }
}
