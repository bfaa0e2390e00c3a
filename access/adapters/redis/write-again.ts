import type { Redis } from 'ioredis'
import type { Grant } from '../../domain/grant.ts'
import { causeOfExpiry, causeOfRevoking } from '../../domain/grant-transitions.ts'
import type { HeldGrant } from '../../domain/held.ts'
import type { Clock } from '../../ports.ts'
import { readUnverified, type Statements } from '../statements.ts'
import { reachable } from './connect.ts'
import { createGrantStore } from './grant-store.ts'
import { names } from './names.ts'

/** Each try that is refused means that somebody else wrote in between. */
const mostTries = 5

/** What became of it: `settled` when Redis needs nothing, since somebody else was quicker. */
export type WrittenAgain = 'given' | 'ended' | 'settled' | 'left to a bot' | 'refused'

/**
 * Writes again what Redis has lost (a failover, a restore, somebody's hand), by whoever remembers it. `writer` is a name
 * that no other store has; only who `mayGive` holds the key for it.
 */
export const createWriteAgain = (
  redis: Redis,
  statements: Statements,
  clock: Clock,
  writer: string,
  mayGive: boolean,
) => {
  const store = createGrantStore(redis, statements, clock, writer)
  let count = 0

  /** What is live of this grant, and the number that its next write has to follow on: both of one moment. */
  const stored = async (id: string) => {
    const replies = await reachable(redis.multi().hget(names.live, id).hget(names.versions, id).exec())
    const [statement, versioned] = (replies ?? []).map(([, reply]) =>
      typeof reply === 'string' ? reply : '',
    )
    if (!statement) return undefined
    return { version: versionOf(statement), counted: Number(versioned?.split(' ')[0] ?? 0) }
  }

  /** The very statement, so that everybody who holds it still agrees in the set hash. */
  const giveAgain = async ({ grant, statement }: HeldGrant): Promise<boolean> => {
    count += 1
    const asItWas: Statements = { ...statements, sign: async () => statement }
    return (await createGrantStore(redis, asItWas, clock, `${writer}-${count}`).give(grant)).given
  }

  const tryVersion = async (newer: HeldGrant): Promise<WrittenAgain> => {
    const { grant } = newer
    const found = await stored(grant.id)
    if (found === undefined || found.version >= grant.version) return 'settled'
    const { counted } = found
    // No end follows on nothing.
    if (counted === 0 && mayGive) await store.give({ ...grant, version: 1 })
    if (counted === 0) return mayGive ? 'refused' : 'left to a bot'
    if (grant.until > clock.now() && counted === grant.version - 1) {
      if (!mayGive) return 'left to a bot'
      return (await giveAgain(newer)) ? 'given' : 'refused'
    }
    const cause = clock.now() < grant.until ? causeOfRevoking(grant, clock.now()) : causeOfExpiry(grant)
    const { ended } = await store.end({ ...grant, version: counted }, cause)
    return ended ? 'ended' : 'refused'
  }

  const tryEnd = async (grant: Grant): Promise<WrittenAgain> => {
    const found = await stored(grant.id)
    if (found === undefined) return 'settled'
    if (found.counted === 0 && !mayGive) return 'left to a bot'
    // It is over before anybody could use it.
    if (found.counted === 0) await store.give({ ...grant, version: 1, until: grant.from })
    const version = Math.max(1, found.counted)
    const { ended } = await store.end({ ...grant, version }, causeOfRevoking(grant, clock.now()))
    return ended ? 'ended' : 'refused'
  }

  const insist = async (write: () => Promise<WrittenAgain>): Promise<WrittenAgain> => {
    for (let tries = 1; tries < mostTries; tries += 1) {
      const became = await write()
      if (became !== 'refused') return became
    }
    return write()
  }

  return {
    /**
     * Gives a proven version again. Where that can't follow on what Redis has (more versions were lost, or only the
     * grant was put back and its number was not), it ends the grant: whoever had it can ask again.
     */
    version: (newer: HeldGrant): Promise<WrittenAgain> => insist(() => tryVersion(newer)),
    /** Ends a grant again that has ended, and that Redis holds as live. Its signature was checked. */
    end: (grant: Grant): Promise<WrittenAgain> => insist(() => tryEnd(grant)),
  }
}

const versionOf = (statement: string): number => {
  try {
    return readUnverified('grant', statement).version
  } catch {
    return 0
  }
}
