/** Status codes of a WebSocket's end (RFC 6455 7.4.1 and its registry). */
export const policyViolation = 1008
export const serviceRestart = 1012

export type Frames = {
  /** Follows these bytes. False when they are no frames; nothing of them may be passed on then. */
  readonly follow: (bytes: Buffer) => boolean
  /** Whether a frame of our own may stand here: the last one is whole. */
  readonly between: () => boolean
}

const opcodes = new Set([0x0, 0x1, 0x2, 0x8, 0x9, 0xa])
const longestControl = 125

/**
 * Follows where the frames of one direction begin and end (RFC 6455 5.2). Only their headers are read; payload is
 * skipped in whole pieces, and an extension such as compression changes nothing of that. Clients mask every frame and
 * services none (5.1), so a stream that is read wrongly does not pass for long.
 */
export const createFrames = (from: 'client' | 'service'): Frames => {
  const masks = from === 'client'
  /** How much of the frame's payload is still to come. */
  let left = 0
  /** How many bytes of the header were read, of how many. */
  let read = 0
  let header = 2
  let lengthEnds = 2
  let length = 0
  let isControl = false

  const first = (byte: number): boolean => {
    const opcode = byte & 0x0f
    read = 1
    isControl = opcode >= 0x8
    return opcodes.has(opcode) && (!isControl || (byte & 0x80) !== 0)
  }
  const second = (byte: number): boolean => {
    const short = byte & 0x7f
    const masked = (byte & 0x80) !== 0
    if (masked !== masks || (isControl && short > longestControl)) return false
    lengthEnds = short === 127 ? 10 : short === 126 ? 4 : 2
    header = lengthEnds + (masks ? 4 : 0)
    length = short > longestControl ? 0 : short
    read = 2
    return true
  }
  const further = (byte: number): boolean => {
    if (read < lengthEnds) length = length * 256 + byte
    read += 1
    return length <= Number.MAX_SAFE_INTEGER
  }

  return {
    follow: (bytes) => {
      let at = 0
      while (at < bytes.length) {
        if (left > 0) {
          const skipped = Math.min(left, bytes.length - at)
          left -= skipped
          at += skipped
          continue
        }
        const byte = bytes[at] as number
        at += 1
        if (!(read === 0 ? first(byte) : read === 1 ? second(byte) : further(byte))) return false
        if (read > 1 && read === header) {
          left = length
          read = 0
        }
      }
      return true
    },
    between: () => left === 0 && read === 0,
  }
}

/** RFC 6455 5.3 wants keys that nobody can foresee, so that no payload of a client looks like HTTP. This one is ours. */
const mask = [0x70, 0x61, 0x67, 0x65] as const

/** A close frame with nothing but its code (RFC 6455 5.5.1). */
export const closeFrame = (to: 'client' | 'service', code: number): Buffer => {
  const [high, low] = [code >> 8, code & 0xff]
  return to === 'client'
    ? Buffer.from([0x88, 0x02, high, low])
    : Buffer.from([0x88, 0x82, ...mask, high ^ mask[0], low ^ mask[1]])
}
