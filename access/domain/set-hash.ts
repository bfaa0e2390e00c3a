import { hash } from 'node:crypto'

const groups = 64
const bucketsPerGroup = 64
const hashBytes = 32

/**
 * A hash of a set that takes a few microseconds per member added or removed: a Merkle tree of fixed shape over SHA-256. Each
 * member's hash lies in one of 4,096 buckets, by its first 12 bits; a bucket is hashed over its members in order, a group
 * over its 64 buckets, and the whole over its 64 groups. Unlike with a XOR of hashes, nobody who picks among existing members
 * finds another set with the same hash.
 */
export const createSetHash = () => {
  /** Hashes of members, a character to a byte; in order but where `unsorted`. */
  const buckets = new Map<number, string[]>()
  const unsorted = new Set<number>()
  const bucketHashes = Buffer.alloc(groups * bucketsPerGroup * hashBytes)
  const groupHashes = Buffer.alloc(groups * hashBytes, emptyGroup, 'latin1')

  const bucketOf = (member: string): number => ((member.charCodeAt(0) << 8) | member.charCodeAt(1)) >> 4

  const settle = (): void => {
    const changed = new Set<number>()
    for (const index of unsorted) {
      const members = buckets.get(index)?.sort() ?? []
      const whole = members.length === 0 ? undefined : sha256(Buffer.from(members.join(''), 'latin1'))
      put(bucketHashes, index, whole)
      changed.add(Math.floor(index / bucketsPerGroup))
    }
    unsorted.clear()
    const size = bucketsPerGroup * hashBytes
    for (const group of changed)
      put(groupHashes, group, sha256(bucketHashes.subarray(group * size, (group + 1) * size)))
  }

  return {
    add: (member: string): void => {
      const own = sha256(member)
      const index = bucketOf(own)
      const members = buckets.get(index)
      if (members === undefined) buckets.set(index, [own])
      else members.push(own)
      unsorted.add(index)
    },
    /** Of a member that was added. */
    remove: (member: string): void => {
      const own = sha256(member)
      const index = bucketOf(own)
      const members = buckets.get(index) ?? []
      const place = members.indexOf(own)
      if (place !== -1) members.splice(place, 1)
      if (members.length === 0) buckets.delete(index)
      unsorted.add(index)
    },
    /** SHA-256, base64url. */
    value: (): string => {
      settle()
      return hash('sha256', groupHashes, 'base64url')
    },
  }
}
export type SetHash = ReturnType<typeof createSetHash>

const sha256 = (of: string | Buffer): string => hash('sha256', of, 'binary')

const emptyGroup = sha256(Buffer.alloc(bucketsPerGroup * hashBytes))

/** An empty bucket is all zeros. */
const put = (hashes: Buffer, place: number, value: string | undefined): void => {
  const from = place * hashBytes
  if (value === undefined) hashes.fill(0, from, from + hashBytes)
  else hashes.write(value, from, hashBytes, 'latin1')
}
