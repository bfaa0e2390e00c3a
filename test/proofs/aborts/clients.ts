import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { frames, http2Frame, resetFrame } from '../../builders/raw-http2-client.ts'

export type Over = 'tcp' | 'tls' | 'h2'
/** FIN, RST, or the end of each stream alone (RST_STREAM). */
export type How = 'fin' | 'rst' | 'stream'

export type Client = {
  readonly send: (bytes: string | Buffer) => void
  /** How many bytes came back, of those that are read. */
  readonly seen: () => number
  readonly abort: (how: How) => void
  /** Whatever is left of it. */
  readonly drop: () => void
}

export type Wishes = { readonly over: Over; readonly reads: boolean; readonly streams: number }

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const settingsAcknowledged = http2Frame(frames.settings, 0x1, 0)

/** The streams of a connection that a client opens, in their order. */
export const streamIds = (streams: number): number[] =>
  Array.from({ length: streams }, (_, index) => 2 * index + 1)

/** A connection that can be sent anything and ended in any way; over TLS without a word of TLS. */
export const openClient = async (port: number, { over, reads, streams }: Wishes): Promise<Client> => {
  // Open on our side until it is dropped, so that FIN is FIN and no more.
  const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  tcp.setNoDelay(true)
  tcp.on('error', () => undefined)
  const spoken = over === 'tcp' ? tcp : overTls(tcp, over)
  spoken.on('error', () => undefined)
  let seen = 0
  await once(spoken, over === 'tcp' ? 'connect' : 'secureConnect')
  if (reads)
    spoken.on('data', (chunk: Buffer) => {
      if (over === 'h2' && seen === 0) spoken.write(settingsAcknowledged)
      seen += chunk.length
    })
  if (over === 'h2') {
    spoken.write(preface)
    spoken.write(http2Frame(frames.settings, 0, 0))
  }
  return {
    send: (bytes) => void spoken.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    seen: () => seen,
    abort: (how) => {
      if (how === 'rst') tcp.resetAndDestroy()
      else if (how === 'fin') tcp.end()
      else spoken.write(Buffer.concat(streamIds(streams).map((stream) => resetFrame(stream))))
    },
    drop: () => {
      spoken.destroy()
      tcp.destroy()
    },
  }
}

const overTls = (socket: Socket, over: 'tls' | 'h2') =>
  connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: [over === 'h2' ? 'h2' : 'http/1.1'] })

/** The first flight of a TLS handshake, as Node sends it. */
export const clientHello = async (): Promise<Buffer> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens nowhere')
  const taken = once(server, 'connection')
  const client = connectTls({ port: address.port, host: '127.0.0.1', rejectUnauthorized: false })
  client.on('error', () => undefined)
  const [socket]: Socket[] = await taken
  if (socket === undefined) throw new Error('nobody connected')
  const [hello]: Buffer[] = await once(socket, 'data')
  client.destroy()
  socket.destroy()
  server.close()
  if (hello === undefined) throw new Error('it said nothing')
  return hello
}
