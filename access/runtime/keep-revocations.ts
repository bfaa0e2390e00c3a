import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { decodeJwt } from 'jose'
import type { Keys } from '../adapters/keys.ts'
import { addLine } from '../adapters/line-file.ts'
import { createRevocationStore } from '../adapters/redis/revocation-store.ts'
import { readRevocations, revokedFile, takeRevocation } from '../adapters/revocations.ts'
import { createStatements } from '../adapters/statements.ts'
import { Fault } from '../domain/errors.ts'
import { revocationShape } from '../domain/revocation.ts'

export type RevocationFiles = {
  /** What people put beside the keys. */
  readonly given: string
  /** What this process was told, so that its next life knows it whatever Redis says then. */
  readonly kept: string
}

export const revocationFilesOf = (config: {
  readonly PAGEPASS_KEYS: string
  readonly PAGEPASS_DATA_DIR: string
}): RevocationFiles => ({
  given: join(config.PAGEPASS_KEYS, revokedFile),
  kept: join(config.PAGEPASS_DATA_DIR, revokedFile),
})

/**
 * Reads what was revoked before this process began, so that nothing by those keys is ever believed in it. Faults with
 * `statement/invalid` where what people put there is no revocation: they meant to take something away.
 */
export const loadRevocations = async (keys: Keys, files: RevocationFiles): Promise<void> => {
  const statements = createStatements(keys)
  for (const file of [files.given, files.kept])
    for (const statement of await readRevocations(file))
      await takeRevocation(keys, statements, statement).catch((error: Error) => {
        if (file === files.given)
          throw new Fault('statement/invalid', `${file} holds what is no revocation: ${error.message}`, {
            mend: 'put there what pagepass keys revoke --out wrote, a line each',
          })
        const kid = revokedOnce(statement)
        if (kid !== undefined && keys.trusted.get(kid)?.role !== 'revoke') keys.revoked.add(kid)
      })
}

/**
 * The key that a line of this process's own record names. It was verified when it was written: that the key behind it was
 * replaced since gives nothing back.
 */
const revokedOnce = (statement: string): string | undefined => {
  try {
    return revocationShape.parse(decodeJwt(statement)).kid
  } catch {
    return undefined
  }
}

/**
 * A key was revoked. `order` is the number that Redis has for it; none where it came by a file. `kept` resolves once the next
 * life of this process knows it, too, or it was told why not: what has to be cut is not to wait for a disk.
 */
export type Revoked = (kid: string, order: number | undefined, kept: Promise<void>) => void

const everyMs = 250
/** Of looks at Redis, one at the files, too. */
const filesEvery = 4

/**
 * Learns of revoked keys as long as the process runs, from Redis and from the files beside its keys, and forgets none. What
 * Redis lost is written there again by whoever may (`writes`).
 */
export const keepRevocations = (
  {
    keys,
    redis,
    files,
    writes,
    alarm,
  }: {
    readonly keys: Keys
    readonly redis: Redis
    readonly files: RevocationFiles | undefined
    readonly writes: boolean
    readonly alarm: (what: string, facts: Record<string, unknown>) => void
  },
  revoked: Revoked,
) => {
  const statements = createStatements(keys)
  const store = createRevocationStore(redis)
  /** kid → its statement, as far as this process has seen it. */
  const known = new Map<string, string>()
  /** kid → the newest order that was carried out. */
  const done = new Map<string, number>()
  const bad = new Set<string>()
  let looks = 0
  /** What is being written to disk, one after the other. */
  let kept: Promise<void> = Promise.resolve()
  let busy: Promise<void> | undefined

  const alarmOnce = (statement: string, facts: Record<string, unknown>): void => {
    if (bad.has(statement)) return
    if (bad.size >= 2_000) return
    bad.add(statement)
    alarm('a revocation of a key does not verify', facts)
  }

  /** Whether the statement holds, whoever brought it. It counts from here on, and is kept meanwhile. */
  const take = async (statement: string): Promise<string> => {
    const news = await takeRevocation(keys, statements, statement)
    const { kid } = await statements.verify('revocation', statement)
    known.set(kid, statement)
    if (news === undefined) return kid
    alarm('a key was revoked', { kid, because: news.because })
    if (files !== undefined)
      kept = kept
        .then(() => addLine(files.kept, statement))
        .catch((error: Error) =>
          alarm('a revocation could not be kept on disk', { kid, error: error.message }),
        )
    return kid
  }

  const carryOut = (kid: string, order: number | undefined): void => {
    if (order !== undefined) done.set(kid, order)
    revoked(kid, order, kept)
  }

  const readFiles = async (): Promise<void> => {
    looks += 1
    if (files === undefined || looks % filesEvery !== 1) return
    for (const file of [files.given, files.kept])
      for (const statement of await readRevocations(file)) {
        if ([...known.values()].includes(statement) || bad.has(statement)) continue
        try {
          const kid = await take(statement)
          carryOut(kid, undefined)
        } catch (error) {
          alarmOnce(statement, { file, error: (error as Error).message })
        }
      }
  }

  const readRedis = async (): Promise<void> => {
    const stored = await store.all()
    for (const { kid, order, statement } of stored) {
      if (bad.has(statement) || done.get(kid) === order) continue
      try {
        const named = known.get(kid) === statement ? kid : await take(statement)
        // Where somebody put it does not matter to what it says.
        if (named !== kid) carryOut(named, undefined)
        if (named !== kid) throw new Error(`it stands under "${kid}" and revokes "${named}"`)
        carryOut(kid, order)
      } catch (error) {
        alarmOnce(statement, { kid, error: (error as Error).message })
      }
    }
    if (!writes) return
    const there = new Set(stored.map(({ kid, statement }) => `${kid} ${statement}`))
    for (const [kid, statement] of known)
      if (!there.has(`${kid} ${statement}`) && !isOfAnother(stored, kid))
        done.set(kid, await store.put(kid, statement))
  }

  /** Somebody revoked the same key by another statement: either does. */
  const isOfAnother = (
    stored: readonly { readonly kid: string; readonly statement: string }[],
    kid: string,
  ) => stored.some((one) => one.kid === kid && !bad.has(one.statement))

  const look = async (): Promise<void> => {
    await readFiles().catch((error: Error) => alarmOnce('files', { error: error.message }))
    // Redis away is told by others.
    await readRedis().catch(() => undefined)
  }
  const turn = (): Promise<void> => {
    busy ??= look().finally(() => {
      busy = undefined
    })
    return busy
  }
  const timer = setInterval(() => void turn(), everyMs)

  return {
    /** Has looked everywhere once when it resolves. */
    look: turn,
    /** Somebody brought this order: it is checked, carried out and spread. Gives its kid and number. */
    order: async (statement: string): Promise<{ readonly kid: string; readonly order: number }> => {
      const kid = await take(statement)
      // Whether Redis is there or not, nothing by that key counts here any more.
      carryOut(kid, undefined)
      const order = await store.put(kid, statement)
      carryOut(kid, order)
      await kept
      return { kid, order }
    },
    stop: async (): Promise<void> => {
      clearInterval(timer)
      // What else is under way ends by itself; Redis may be away.
      await kept
    },
  }
}
export type KeptRevocations = ReturnType<typeof keepRevocations>
