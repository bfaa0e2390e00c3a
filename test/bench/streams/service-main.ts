import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { readStamps } from './stamped-frame.ts'

/** What the service saw since it was last asked. Moments are nanoseconds of the monotonic clock. */
export type ServiceSaw = {
  /** When the frames were made that came, in the order in which they came. */
  readonly stamps: readonly bigint[]
  /** When the first connection ended. */
  readonly firstEnd: bigint | undefined
  readonly open: number
}

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
let stamps: bigint[] = []
let firstEnd: bigint | undefined
let open = 0

/** Agrees to every WebSocket, and notes what comes and when connections end. */
const server = createServer((_request, response) => response.end('{}'))
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  open += 1
  let rest: Buffer = Buffer.alloc(0)
  let ended = false
  const end = (): void => {
    if (ended) return
    ended = true
    firstEnd ??= process.hrtime.bigint()
  }
  socket.on('data', (chunk: Buffer) => {
    // The proxy's close frame, where it sends one: the end has come.
    if (chunk[0] === 0x88 && rest.length === 0) return end()
    const read = readStamps(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
    for (const stamp of read.stamps) stamps.push(stamp)
    rest = read.rest
  })
  socket.on('end', () => {
    end()
    socket.end()
  })
  socket.on('error', end)
  socket.on('close', () => {
    end()
    open -= 1
  })
})
/** The first message tells that it listens. */
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('listening'))

process.on('message', () => {
  process.send?.({ stamps, firstEnd, open } satisfies ServiceSaw)
  stamps = []
  firstEnd = undefined
})
