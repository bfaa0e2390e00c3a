/**
 * A WebSocket frame of a client (RFC 6455 5.2) with nothing but the moment it was made: binary, masked with zeros, 8 bytes
 * of nanoseconds by the monotonic clock, which all processes of a machine share.
 */
const header = Buffer.from([0x82, 0x88, 0, 0, 0, 0])
export const frameLength = header.length + 8

export const stampedFrame = (): Buffer => {
  const frame = Buffer.alloc(frameLength)
  header.copy(frame)
  frame.writeBigUInt64BE(process.hrtime.bigint(), header.length)
  return frame
}

/** The moments in a row of such frames, in nanoseconds, and what is left of the next one. */
export const readStamps = (bytes: Buffer): { readonly stamps: readonly bigint[]; readonly rest: Buffer } => {
  const stamps: bigint[] = []
  let at = 0
  for (; bytes.length - at >= frameLength; at += frameLength) {
    if (!bytes.subarray(at, at + header.length).equals(header)) throw new Error('a frame arrived changed')
    stamps.push(bytes.readBigUInt64BE(at + header.length))
  }
  return { stamps, rest: bytes.subarray(at) }
}
