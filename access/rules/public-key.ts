export const publicKeyPattern =
  '^(?:(?:ssh-ed25519|sk-ssh-ed25519@openssh\\.com) [A-Za-z0-9+/]+={0,2}(?: .*)?|[A-Za-z0-9_-]{43})$'

/** A line of a `.pub` file: of a key in a file, or of one in a security key. */
const sshKey = /^(ssh-ed25519|sk-ssh-ed25519@openssh\.com) ([A-Za-z0-9+/]+={0,2})(?: .*)?$/

/** The Ed25519 key that is written, as 32 bytes in base64url; undefined where it is none. */
export const publicKeyIn = (written: string): string | undefined => {
  const [, type, blob] = sshKey.exec(written) ?? []
  if (type !== undefined && blob !== undefined)
    return keyIn(Buffer.from(blob, 'base64'), type)?.toString('base64url')
  const bytes = Buffer.from(written, 'base64url')
  return /^[A-Za-z0-9_-]{43}$/.test(written) && bytes.length === 32 ? bytes.toString('base64url') : undefined
}

/** The key in it (RFC 8709 4). One in a security key names its application behind it, and has to be for `ssh:`. */
const keyIn = (blob: Buffer, type: string): Buffer | undefined => {
  const at = type.length + 8
  const ends = type === 'ssh-ed25519' ? '' : '\0\0\0\u0004ssh:'
  const isOne =
    blob.length === at + 32 + ends.length &&
    blob.readUInt32BE(0) === type.length &&
    blob.readUInt32BE(at - 4) === 32 &&
    blob.subarray(4, at - 4).toString('latin1') === type &&
    blob.subarray(at + 32).toString('latin1') === ends
  return isOne ? blob.subarray(at, at + 32) : undefined
}
