import { createConnection } from 'node:net'
import { Fault } from '../../domain/errors.ts'
import type { GlassSigner } from './signer.ts'
import { sshNumber, sshReader, sshString } from './ssh-bytes.ts'

/** What is said to an agent and by it (draft-ietf-sshm-ssh-agent, 3). */
const request = { identities: 11, sign: 13 } as const
const answer = { identities: 12, signature: 14 } as const

const plainType = 'ssh-ed25519'
const deviceType = 'sk-ssh-ed25519@openssh.com'
const longestAnswer = 1_048_576
/** A security key waits for somebody to touch it. */
const patienceMs = 60_000

/**
 * The Ed25519 keys that the agent at this socket holds, those of security keys too. Faults with `keys/missing` where no
 * agent answers.
 */
export const agentSigners = async (socket: string): Promise<readonly GlassSigner[]> => {
  const reply = await ask(socket, Buffer.from([request.identities]))
  return understood(() => {
    const read = sshReader(expected(reply, answer.identities))
    const signers: GlassSigner[] = []
    for (let left = read.number(); left > 0; left -= 1) {
      const blob = read.string()
      const comment = read.text()
      const key = keyIn(blob)
      if (key !== undefined) signers.push({ key, comment, sign: (bytes) => signBy(socket, blob, bytes) })
    }
    return signers
  })
}

const understood = <T>(read: () => T): T => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw failed('what the SSH agent says can’t be read', 'sign with --key FILE', error)
  }
}

/** The 32 bytes of a key that may sign; of a security key only where it is of the application `ssh:`. */
const keyIn = (blob: Buffer): Buffer | undefined => {
  const read = sshReader(blob)
  const type = read.text()
  if (type !== plainType && type !== deviceType) return undefined
  const key = read.string()
  if (key.length !== 32) return undefined
  return type === plainType || read.text() === 'ssh:' ? key : undefined
}

const signBy = async (socket: string, blob: Buffer, bytes: Buffer) => {
  const asked = Buffer.concat([Buffer.from([request.sign]), sshString(blob), sshString(bytes), sshNumber(0)])
  const reply = await ask(socket, asked)
  return understood(() => {
    const read = sshReader(sshReader(expected(reply, answer.signature)).string())
    const type = read.text()
    const signature = read.string()
    // Flags and counter follow (OpenSSH, PROTOCOL.u2f).
    return type === deviceType ? { signature, device: Buffer.from(read.take(5)) } : { signature }
  })
}

const failed = (what: string, mend: string, cause?: unknown): Fault =>
  new Fault('keys/missing', what, { mend, cause })

const expected = (reply: Buffer, kind: number): Buffer => {
  if (reply[0] !== kind)
    throw failed(
      'the SSH agent refuses',
      'unlock it, touch the security key when it asks, or sign with --key FILE',
    )
  return reply.subarray(1)
}

/** One question, and its answer without the length. */
const ask = (path: string, message: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(path)
    const mend = 'start one (eval $(ssh-agent); ssh-add FILE), or sign with --key FILE'
    let received = Buffer.alloc(0)
    const give = (fault: Fault): void => {
      socket.destroy()
      reject(fault)
    }
    socket.setTimeout(patienceMs, () => give(failed('the SSH agent does not answer', mend)))
    socket.on('error', (cause) => give(failed(`no SSH agent answers at ${path}`, mend, cause)))
    socket.on('end', () => give(failed('the SSH agent hung up', mend)))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const length = received.length < 4 ? 0 : received.readUInt32BE()
      if (length > longestAnswer) return give(failed('the SSH agent says too much', mend))
      if (received.length < 4 || received.length < length + 4) return
      socket.end()
      resolve(received.subarray(4, length + 4))
    })
    socket.write(sshString(message))
  })
