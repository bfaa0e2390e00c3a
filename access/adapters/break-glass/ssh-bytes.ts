/** Reads what OpenSSH writes one after another (RFC 4251 5). Throws a `RangeError` where there is less than it says. */
export const sshReader = (bytes: Buffer) => {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('cut off')
    at += length
    return bytes.subarray(at - length, at)
  }
  const number = (): number => take(4).readUInt32BE()
  return {
    take,
    number,
    string: (): Buffer => take(number()),
    text: (): string => take(number()).toString('utf8'),
    left: (): number => bytes.length - at,
  }
}

export const sshNumber = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const sshString = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([sshNumber(bytes.length), bytes])
}
