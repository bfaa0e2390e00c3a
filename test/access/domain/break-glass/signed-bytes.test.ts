import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { deviceSignedBytes, glassNamespace, signedBytes } from '#access/domain/break-glass/signed-bytes.ts'

const pass = Buffer.from('{"a":1}')
const hashed = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest('hex')
const text = (one: string): string => Buffer.from(one).toString('hex')

/* Written out by hand after OpenSSH’s PROTOCOL.sshsig and PROTOCOL.u2f: the length of each string, and the string. */
describe('What is signed', () => {
  const sshsig = [
    text('SSHSIG'),
    '00000016',
    text('pagepass-break-glass-1'),
    '00000000',
    '00000006',
    text('sha512'),
    '00000040',
    hashed('sha512', pass),
  ].join('')

  test('for a pass is of this purpose alone, as ssh-keygen would sign it', () => {
    expect(glassNamespace).toHaveLength(0x16)
    expect(signedBytes(pass).toString('hex')).toBe(sshsig)
  })

  test('by a security key is that, its flags and counter, and the application', () => {
    const device = Buffer.from([1, 0, 0, 0, 7])
    expect(deviceSignedBytes(pass, device).toString('hex')).toBe(
      [
        hashed('sha256', Buffer.from('ssh:')),
        '0100000007',
        hashed('sha256', Buffer.from(sshsig, 'hex')),
      ].join(''),
    )
  })
})
