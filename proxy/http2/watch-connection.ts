import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** A connection to a service, with what goes on there: the streams that are open, and how often any of them was answered. */
export type Http2Connection = { readonly session: ClientHttp2Session; open: number; answers: number }

export type Patience = {
  /** Milliseconds from one look to the next. A ping that is not answered by then never is. */
  readonly lookMs: number
  /** After so many looks without a byte, while streams are open, the service is asked whether it is there. */
  readonly quiet: number
  /** How often it is asked so soon, until it answers a request again. */
  readonly soon: number
  /** After so many looks it is asked from then on. */
  readonly later: number
  /** After so many looks without a stream the connection is closed. */
  readonly idle: number
}

/**
 * Ten to fifteen seconds, then five for the answer. By default a server of gRPC ends a connection (`too_many_pings`) at the
 * third ping that comes within five minutes of the one before while it sends neither headers nor data (gRFC A8).
 */
export const usualPatience: Patience = { lookMs: 5_000, quiet: 3, soon: 2, later: 62, idle: 12 }

/** The kernel asks, too: it bothers no service, and does so where a ping can't or is far away (RFC 9293 3.8.4). */
const keepAliveMs = 30_000

/**
 * Ends a connection that nobody needs any more, and one whose other side vanished without a word, as when the way to it
 * is gone: its streams fail, and the next request opens another one. Whatever comes is a sign of life; where nothing does,
 * a ping asks for one (RFC 9113 6.7).
 */
export const watchConnection = (connection: Http2Connection, patience: Patience): void => {
  const { session } = connection
  let socket: Socket | undefined
  let read = 0
  let answers = 0
  let idle = 0
  let quiet = 0
  let pings = 0
  let asked = false

  const look = (): void => {
    // Until it is connected it has a time-out of its own, and one that closes can't be asked.
    if (socket === undefined || session.closed || session.destroyed) return
    const came = socket.bytesRead !== read
    read = socket.bytesRead
    if (connection.answers !== answers) pings = 0
    answers = connection.answers
    if (connection.open > 0) idle = 0
    else {
      idle += 1
      if (idle >= patience.idle) return session.close()
    }
    if (came || connection.open === 0) {
      quiet = 0
      asked = false
      return
    }
    quiet += 1
    if (asked) return void setImmediate(giveUp)
    if (quiet < (pings < patience.soon ? patience.quiet : patience.later)) return
    asked = true
    pings += 1
    session.ping(() => undefined)
  }
  /** Where this process stood still, the answer lies there unread, and timers come before it. */
  const giveUp = (): void => {
    if (socket?.bytesRead === read && !session.destroyed)
      session.destroy(new Error('the service does not answer any more'))
  }

  session.once('connect', (_, connected) => {
    socket = connected
    connected.setKeepAlive(true, keepAliveMs)
  })
  const timer = setInterval(look, patience.lookMs)
  timer.unref()
  session.once('close', () => clearInterval(timer))
}
