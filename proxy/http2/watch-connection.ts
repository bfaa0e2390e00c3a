import type { ClientHttp2Session, Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** A connection, with what goes on there: the streams that are open, and how often any of them was answered. */
type Watched = { readonly session: Http2Session; open: number; answers: number }

/** A connection to a service. */
export type Http2Connection = Watched & { readonly session: ClientHttp2Session }

export type Patience = {
  /** Milliseconds from one look to the next. A ping that is not answered by then never is. */
  readonly lookMs: number
  /** After so many looks without a byte, while streams are open, the other side is asked whether it is there. */
  readonly quiet: number
  /** How often it is asked so soon, until a request is answered again. */
  readonly soon: number
  /** After so many looks it is asked from then on. */
  readonly later: number
  /** After so many looks without a stream the connection is closed, and one more later it is gone. */
  readonly idle: number
}

/**
 * Ten to fifteen seconds, then five for the answer. By default a server of gRPC ends a connection (`too_many_pings`) at the
 * third ping that comes within five minutes of the one before while it sends neither headers nor data (gRFC A8).
 */
export const patienceWithServices: Patience = { lookMs: 5_000, quiet: 3, soon: 2, later: 62, idle: 12 }

/** Half a minute, then ten seconds for the answer. What carries nothing is closed after about as long as for HTTP/1.1. */
export const patienceWithClients: Patience = {
  lookMs: 10_000,
  quiet: 3,
  soon: Number.POSITIVE_INFINITY,
  later: 3,
  idle: 7,
}

/** The kernel asks, too: it bothers no service, and does so where a ping can't or is far away (RFC 9293 3.8.4). */
const keepAliveMs = 30_000

/**
 * Ends a connection that nobody needs any more, and one whose other side vanished without a word, as when the way to it
 * is gone: its streams fail, and the next request opens another one. Whatever comes is a sign of life; where nothing does,
 * a ping asks for one (RFC 9113 6.7). It also ends what Node itself would keep for ever: after a write over TLS that failed
 * it may neither write nor read again (nodejs/node#55804). `connected` is given where it is.
 */
export const watchConnection = (connection: Watched, patience: Patience, connected?: Socket): void => {
  const { session } = connection
  let socket = connected
  let read = 0
  let answers = 0
  let idle = 0
  let quiet = 0
  let pings = 0
  let asked = false

  const look = (): void => {
    // Until it is connected it has a time-out of its own.
    if (socket === undefined) return
    const came = socket.bytesRead !== read
    read = socket.bytesRead
    const answered = connection.answers !== answers
    answers = connection.answers
    if (answered) pings = 0
    if (connection.open > 0 || answered) idle = 0
    else {
      idle += 1
      // Node waits for the other side to close its own half, and says only then that the session is closed.
      if (idle > patience.idle) return void socket.destroy()
      if (idle === patience.idle) return session.close()
    }
    if (came || connection.open === 0) {
      quiet = 0
      asked = false
      return
    }
    quiet += 1
    if (asked) return void setImmediate(giveUp)
    // One that closes can't be asked.
    if (
      session.closed ||
      session.destroyed ||
      quiet < (pings < patience.soon ? patience.quiet : patience.later)
    )
      return
    asked = true
    pings += 1
    session.ping(() => undefined)
  }
  /** Where this process stood still, the answer lies there unread, and timers come before it. */
  const giveUp = (): void => {
    if (socket?.bytesRead !== read || session.destroyed) return
    session.destroy(new Error('the other side does not answer any more'))
    socket.destroy()
  }

  session.once('connect', (_, itsSocket) => {
    socket = itsSocket
    itsSocket.setKeepAlive(true, keepAliveMs)
  })
  const timer = setInterval(look, patience.lookMs)
  timer.unref()
  session.once('close', () => clearInterval(timer))
}
