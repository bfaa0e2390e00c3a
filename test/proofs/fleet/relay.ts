import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** `open` passes bytes on; `silent` keeps every connection and passes nothing; `closed` breaks and takes none. */
export type Way = 'open' | 'silent' | 'closed'

/** Stands between somebody and a Redis, and can be cut. */
export const startRelay = async (url: string) => {
  const target = new URL(url)
  const pairs = new Set<readonly [Socket, Socket]>()
  let way: Way = 'open'
  let replyDelayMs = 0
  let passed = 0
  /** So many more replies are passed on before it falls silent. */
  let left = Number.POSITIVE_INFINITY

  const set = (to: Way): void => {
    way = to
    for (const [one, other] of pairs) {
      if (to === 'closed') {
        one.destroy()
        other.destroy()
      } else if (to === 'silent') {
        one.pause()
        other.pause()
      } else {
        one.resume()
        other.resume()
      }
    }
  }

  const server = createServer((near) => {
    if (way === 'closed') {
      near.destroy()
      return
    }
    const far = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    const pair = [near, far] as const
    pairs.add(pair)
    near.on('data', (chunk: Buffer) => void far.write(chunk))
    far.on('data', (chunk: Buffer) => {
      passed += 1
      left -= 1
      if (left <= 0) {
        near.write(chunk)
        left = Number.POSITIVE_INFINITY
        set('silent')
      } else if (replyDelayMs === 0) near.write(chunk)
      else setTimeout(() => near.writable && near.write(chunk), replyDelayMs)
    })
    const end = (): void => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    if (way === 'silent') {
      near.pause()
      far.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = new URL(url)
  own.port = String((server.address() as AddressInfo).port)

  return {
    /** The Redis, by way of this. */
    url: own.href,
    set,
    /** Every reply comes so much later. */
    delayReplies: (ms: number): void => {
      replyDelayMs = ms
    },
    /** Falls silent after so many more pieces of replies. */
    silentAfter: (replies: number): void => {
      left = replies
    },
    passed: (): number => passed,
    close: (): void => {
      set('closed')
      server.close()
    },
  }
}
export type Relay = Awaited<ReturnType<typeof startRelay>>
