export type StreamEntry = readonly [id: string, fields: readonly string[]]

/** XREAD's reply by stream name: a list of pairs (RESP2), or the same flattened (RESP3's map as ioredis maps it). */
export const readStreamReply = (reply: unknown): ReadonlyMap<string, readonly StreamEntry[]> => {
  if (!Array.isArray(reply)) return new Map()
  const pairs = typeof reply[0] === 'string' ? pairUp(reply) : reply
  return new Map(pairs as [string, StreamEntry[]][])
}

const pairUp = (flat: readonly unknown[]): unknown[][] =>
  Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2], flat[index * 2 + 1]])
