import { connect } from 'node:net'

const quietMs = 600

/**
 * Sends bytes on a connection of their own, from an address of their own (any of 127.0.0.0/8 is this machine), and waits
 * until the other side closes it or has nothing more to say. What stands in a second part goes out once something came
 * back, or nothing does. Returns what came back, as latin1.
 */
export const converse = (port: number, address: string, parts: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const left = parts.map((part) => Buffer.from(part, 'latin1'))
    const socket = connect({ port, host: '127.0.0.1', localAddress: address })
    let text = ''
    const sendNext = (): boolean => {
      const next = left.shift()
      if (next !== undefined) socket.write(next)
      return next !== undefined
    }
    const quiet = setTimeout(() => {
      if (sendNext()) quiet.refresh()
      else socket.destroy()
    }, quietMs)
    socket.setNoDelay(true)
    socket.on('connect', sendNext)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      quiet.refresh()
      sendNext()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(quiet)
      resolve(text)
    })
  })

/** The address of a client: so records and headers say which connection they are of. 16 million of them. */
export const addressOf = (number: number): string =>
  `127.${1 + ((number >> 16) % 254)}.${(number >> 8) & 255}.${number & 255}`
