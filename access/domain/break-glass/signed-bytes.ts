import { createHash } from 'node:crypto'

/**
 * What a signature of a pass is for and nothing else: no signature made for another purpose, by this product, by git or by
 * `ssh-keygen -Y sign`, is over bytes that name it.
 */
export const glassNamespace = 'pagepass-break-glass-1'

const sshString = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** What is signed for a pass (OpenSSH, PROTOCOL.sshsig): the purpose, and the SHA-512 of its bytes. */
export const signedBytes = (pass: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('SSHSIG'),
    sshString(glassNamespace),
    sshString(''),
    sshString('sha512'),
    sshString(createHash('sha512').update(pass).digest()),
  ])

/** What a security key signs for those bytes (OpenSSH, PROTOCOL.u2f), for keys of the application `ssh:`. */
export const deviceSignedBytes = (pass: Buffer, device: Buffer): Buffer =>
  Buffer.concat([sha256(Buffer.from('ssh:')), device, sha256(signedBytes(pass))])

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
