import type { Redis } from 'ioredis'
import { z } from 'zod'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const keptSeconds = 30 * 86_400
/** Longer than the calls that post one card may take together; who dies while posting is waited for so long. */
const lockMs = 25_000

const shownShape = z.object({ channel: z.string(), ts: z.string(), hash: z.string() })
/** A card as it stands in Slack: the channel's id, the message's `ts`, and the hash of what was to be shown. */
export type Shown = z.output<typeof shownShape>

const unlock = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0`

/** What stands where in Slack. A card is known by its key in its place; `place` is any name of that place. */
export const createCards = (redis: Redis) => ({
  find: async (place: string, card: string): Promise<Shown | undefined> => {
    const kept = await reachable(redis.get(names.card(place, card)))
    return kept === null ? undefined : readShown(kept)
  },
  remember: async (place: string, card: string, shown: Shown): Promise<void> => {
    await reachable(redis.set(names.card(place, card), JSON.stringify(shown), 'EX', keptSeconds))
  },
  forget: async (place: string, card: string): Promise<void> => {
    await reachable(redis.del(names.card(place, card)))
  },

  /** False while somebody else has it. A command may be carried out twice where its connection closed, and finds itself. */
  lock: async (place: string, card: string, owner: string): Promise<boolean> => {
    const before = await reachable(redis.set(names.cardLock(place, card), owner, 'PX', lockMs, 'NX', 'GET'))
    return before === null || before === owner
  },
  unlock: async (place: string, card: string, owner: string): Promise<void> => {
    await reachable(redis.eval(unlock, 1, names.cardLock(place, card), owner))
  },

  /** The channel of somebody's direct messages, once it was opened. */
  findDirect: async (team: string, user: string): Promise<string | undefined> =>
    (await reachable(redis.get(names.direct(team, user)))) ?? undefined,
  rememberDirect: async (team: string, user: string, channel: string): Promise<void> => {
    await reachable(redis.set(names.direct(team, user), channel, 'EX', keptSeconds))
  },
  forgetDirect: async (team: string, user: string): Promise<void> => {
    await reachable(redis.del(names.direct(team, user)))
  },
})
export type Cards = ReturnType<typeof createCards>

/** What can't be read counts as not shown: a card twice is better than none. */
const readShown = (kept: string): Shown | undefined => {
  try {
    return shownShape.parse(JSON.parse(kept))
  } catch {
    return undefined
  }
}
