import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { closeFrame, createFrames } from './frames.ts'

export type TunnelOutcome = 'done' | 'aborted' | 'failed'

export type Tunnel = {
  /**
   * Ends it now: from here on no byte passes in either direction. Where the last frame is whole and nothing waits, that
   * side is told the code (RFC 6455 7.4.1); everywhere else its connection just ends.
   */
  readonly end: (code: number) => void
}

/** How long a side may take to receive the close frame. */
const flushMs = 100
/** A WebSocket is over when one side has closed; how long the other one may take to see it. */
const lingerMs = 2_000

/**
 * The client's side of a WebSocket, as the stream that http-proxy pipes the service into and out of. Everything passes
 * through here, so that an end is exact: frames are followed in both directions, and what was not yet handed to the
 * kernel when the end came never is.
 */
export const createTunnel = (
  client: Socket,
  told: { readonly passed: (bytes: number) => void; readonly closed: (outcome: TunnelOutcome) => void },
) => {
  const fromClient = createFrames('client')
  const fromService = createFrames('service')
  let service: Socket | undefined
  let answered = false
  let over = false
  let outcome: TunnelOutcome = 'aborted'
  let lingering: NodeJS.Timeout | undefined

  const side = new Duplex({
    // What http-proxy writes as text are header fields, which Node reads as latin1.
    defaultEncoding: 'latin1',
    read: () => {
      if (service !== undefined) client.resume()
    },
    write: (chunk: Buffer, _encoding, done) => {
      if (over) return done()
      if (answered) {
        if (!fromService.follow(chunk)) return breakOff('failed')
        told.passed(chunk.length)
      }
      // The first is the answer to the handshake; frames come after it.
      answered = true
      if (client.write(chunk)) done()
      else client.once('drain', done)
    },
    final: (done) => {
      client.destroySoon()
      done()
    },
  })
  side.on('error', () => undefined)

  const finish = (): void => {
    over = true
    clearTimeout(lingering)
    side.unpipe()
    service?.unpipe(side)
    side.destroy()
  }

  /** Whoever sends what is no frame is not listened to any further, and the other side is not told it either. */
  const breakOff = (how: TunnelOutcome): void => {
    finish()
    if (service !== undefined) reset(service)
    client.destroy()
    told.closed(how)
  }

  const takeFromClient = (chunk: Buffer): void => {
    if (over) return
    if (!fromClient.follow(chunk)) breakOff('aborted')
    else if (!side.push(chunk)) client.pause()
  }

  client.setTimeout(0)
  client.setNoDelay(true)
  client.setKeepAlive(true)
  client.on('end', () => {
    if (over) return
    if (service === undefined) return void client.destroy()
    outcome = 'done'
    side.push(null)
    lingering = setTimeout(() => client.destroy(), lingerMs)
  })
  client.on('close', () => {
    if (over) return
    finish()
    service?.destroy()
    told.closed(outcome)
  })

  return {
    /** What http-proxy takes for the client's socket. The options it sets on one were set above. */
    side: Object.assign(side, { setTimeout: nothing, setNoDelay: nothing, setKeepAlive: nothing }),
    /** The service has agreed; frames follow. */
    join: (socket: Socket): void => {
      service = socket
      socket.on('end', () => {
        outcome = 'done'
      })
      socket.on('error', () => {
        outcome = 'failed'
      })
      socket.on('close', () => {
        // After an orderly end the client still gets what was sent.
        if (over || socket.readableEnded) return
        outcome = 'failed'
        client.destroy()
      })
      client.on('data', takeFromClient)
    },
    /** Nothing comes of it. The client's socket is left to whoever answers. */
    abandon: finish,
    end: (code: number): void => {
      if (over) return
      // A byte that waits for a side is a byte that it must not get any more.
      const nothingWaitsForService = side.readableLength === 0 && service?.writableLength === 0
      const nothingWaitsForClient = client.writableLength === 0
      finish()
      if (service === undefined) return void client.destroy()
      if (nothingWaitsForService && fromClient.between() && !service.writableEnded) {
        service.write(closeFrame('service', code))
        service.destroySoon()
      } else reset(service)
      if (answered && nothingWaitsForClient && fromService.between() && !client.writableEnded) {
        // Read on, so that unread bytes don't make the kernel reset the connection before the frame is there.
        client.end(closeFrame('client', code))
        client.resume()
      } else reset(client)
      setTimeout(() => {
        client.destroy()
        service?.destroy()
      }, flushMs)
    },
  }
}

const nothing = (): void => undefined

/** Also throws away what the kernel has not sent yet. */
export const reset = (socket: Socket): void => {
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
