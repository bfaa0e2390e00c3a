import { createHash, sign } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import type { GlassKey } from './break-glass.ts'

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const string = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([number(bytes.length), bytes])
}

export type AgentKey = { readonly key: GlassKey; readonly comment: string; readonly device?: boolean }

const blobOf = ({ key, device }: AgentKey): Buffer =>
  device === true
    ? Buffer.concat([string('sk-ssh-ed25519@openssh.com'), string(key.bytes), string('ssh:')])
    : Buffer.concat([string('ssh-ed25519'), string(key.bytes)])

const signatureBy = ({ key, device }: AgentKey, bytes: Buffer): Buffer => {
  if (device !== true)
    return Buffer.concat([string('ssh-ed25519'), string(sign(null, bytes, key.privateKey))])
  const state = Buffer.from([1, 0, 0, 0, 9])
  const over = Buffer.concat([sha256(Buffer.from('ssh:')), state, sha256(bytes)])
  return Buffer.concat([
    string('sk-ssh-ed25519@openssh.com'),
    string(sign(null, over, key.privateKey)),
    state,
  ])
}

/** An SSH agent at a socket, with these keys, some of them in security keys. `answerWith` makes it say something else. */
export const startSshAgent = async (path: string, keys: readonly AgentKey[]) => {
  let instead: Buffer | undefined
  const answerTo = (message: Buffer): Buffer => {
    if (instead !== undefined) return instead
    if (message[0] === 11)
      return Buffer.concat([
        Buffer.from([12]),
        number(keys.length),
        ...keys.flatMap((one) => [string(blobOf(one)), string(one.comment)]),
      ])
    const blobEnds = 5 + message.readUInt32BE(1)
    const blob = message.subarray(5, blobEnds)
    const bytes = message.subarray(blobEnds + 4, blobEnds + 4 + message.readUInt32BE(blobEnds))
    const found = keys.find((one) => blobOf(one).equals(blob))
    return found === undefined
      ? Buffer.from([5])
      : Buffer.concat([Buffer.from([14]), string(signatureBy(found, bytes))])
  }
  const server = createServer((socket: Socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < received.readUInt32BE() + 4) return
      socket.write(string(answerTo(received.subarray(4))))
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    answerWith: (bytes: Buffer | undefined): void => {
      instead = bytes
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
