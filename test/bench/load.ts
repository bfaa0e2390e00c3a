import { connect, type Socket } from 'node:net'

export type Load = {
  readonly port: number
  readonly host: string
  readonly path: string
  readonly token: string
  readonly connections: number
  readonly requests: number
}

export type Loaded = {
  readonly seconds: number
  readonly latencies: readonly number[]
  /** Answers 503: a proxy whose disk stalls closes on purpose. */
  readonly closed: number
}

/**
 * Sends GET requests over keep-alive connections, one at a time on each, as raw bytes: the load must cost less than
 * what it measures. A 503 is counted apart; any other answer that is not a whole 200
 * with a content length is a fault.
 */
export const runLoad = async ({ port, host, path, token, connections, requests }: Load): Promise<Loaded> => {
  const bytes = Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nAccept: application/json\r\nUser-Agent: load\r\n\r\n`,
  )
  const loaded = { latencies: [] as number[], closed: 0 }
  let left = requests
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: connections }, () =>
      drive(connect({ port, host: '127.0.0.1', noDelay: true }), bytes, () => left-- > 0, loaded),
    ),
  )
  return { seconds: (performance.now() - startedAt) / 1_000, ...loaded }
}

const drive = (
  socket: Socket,
  bytes: Buffer,
  more: () => boolean,
  loaded: { latencies: number[]; closed: number },
): Promise<void> =>
  new Promise((resolve, reject) => {
    let sentAt = 0
    let received = ''
    const send = (): void => {
      if (!more()) {
        socket.end()
        resolve()
        return
      }
      sentAt = performance.now()
      socket.write(bytes)
    }
    socket.setEncoding('latin1')
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection was closed')))
    socket.on('data', (chunk: string) => {
      received = received === '' ? chunk : received + chunk
      const size = answerSize(received)
      if (size === undefined || received.length < size) return
      if (received.startsWith('HTTP/1.1 200')) loaded.latencies.push(performance.now() - sentAt)
      else if (received.startsWith('HTTP/1.1 503')) loaded.closed += 1
      else return reject(new Error(received))
      received = ''
      send()
    })
  })

const lengthHeader = /\r\ncontent-length: (\d+)\r\n/i

const answerSize = (text: string): number | undefined => {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const length = lengthHeader.exec(text)?.[1]
  if (length === undefined) throw new Error(`an answer without content length: ${text}`)
  return end + 4 + Number(length)
}
