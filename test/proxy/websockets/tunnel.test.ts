import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createTunnel } from '#proxy/websockets/tunnel.ts'
import { frame, rawClient } from '../../builders/raw-client.ts'

const opened: (Socket | Server)[] = []
afterEach(() => {
  for (const one of opened.splice(0)) 'destroy' in one ? one.destroy() : one.close()
})

const listen = async (): Promise<{ port: number; accepted: Promise<Socket> }> => {
  const server = createServer({ allowHalfOpen: true })
  opened.push(server)
  const accepted = once(server, 'connection').then(([socket]: Socket[]) => {
    if (socket === undefined) throw new Error('no connection')
    opened.push(socket)
    socket.on('error', () => undefined)
    return socket
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, accepted }
}

/** A tunnel between two real connections, piped as http-proxy does it. */
const openTunnel = async () => {
  const outside = await listen()
  const far = rawClient(outside.port)
  opened.push(far.socket)
  const client = await outside.accepted
  const inside = await listen()
  const service = connect(inside.port, '127.0.0.1')
  opened.push(service)
  const serviceSide = await inside.accepted
  const tunnel = createTunnel(client, { passed: () => undefined, closed: () => undefined })
  tunnel.join(service)
  tunnel.side.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  service.pipe(tunnel.side).pipe(service)
  await far.when(() => far.text().endsWith('\r\n\r\n'), 'the answer to the handshake')
  return { tunnel, far, client, serviceSide }
}

const closeFrame = '\x88\x02\x03\xf0'

/** What the kernel has not taken of what was written. Node tells it nowhere else to the byte. */
const notTaken = (socket: Socket): number =>
  (socket as Socket & { readonly _handle: { readonly writeQueueSize: number } })._handle.writeQueueSize

test('A client that nothing waits for is told the code', async () => {
  const { tunnel, far, serviceSide } = await openTunnel()
  serviceSide.write(frame('hello', { masked: false }))
  await far.when(() => far.text().endsWith('hello'), 'the frame')
  tunnel.end(1008)
  await far.closed()
  expect(far.text().endsWith(`hello${closeFrame}`)).toBe(true)
})

test('What waits for a client that does not read is never sent, nor is a close frame behind it', async () => {
  const { tunnel, far, client, serviceSide } = await openTunnel()
  far.socket.pause()
  const bytes = frame('x'.repeat(60_000), { masked: false })
  while (client.writableLength === 0 || serviceSide.writableLength < 1_000_000) {
    serviceSide.write(bytes)
    await new Promise(setImmediate)
  }
  expect(notTaken(client)).toBeGreaterThan(0)
  const written = client.bytesWritten
  const taken = written - notTaken(client)
  tunnel.end(1008)
  expect(client.destroyed).toBe(true)
  expect(client.bytesWritten).toBe(written)
  far.socket.resume()
  await far.closed()
  expect(far.size()).toBeLessThanOrEqual(taken)
  expect(far.text().endsWith(closeFrame)).toBe(false)
})
