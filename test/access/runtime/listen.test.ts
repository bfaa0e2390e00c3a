import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createConnection, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Listening, listen } from '#access/runtime/listen.ts'

const open: Listening[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map((listening) => listening.close()))
})

const here = { host: '127.0.0.1', port: 0 }
const listening = async (server: Server): Promise<Listening> => {
  const one = await listen(server, here)
  open.push(one)
  return one
}
const connect = async (port: number, sent: string): Promise<Socket> => {
  const socket = createConnection({ host: '127.0.0.1', port }).setEncoding('utf8')
  sockets.push(socket)
  await once(socket, 'connect')
  socket.write(sent)
  return socket
}
const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const hour = 3_600_000

test('says where it listens', async () => {
  const { server, port } = await listening(createServer())
  expect((server.address() as AddressInfo).port).toBe(port)
})

test('an address in use is named, with the mend', async () => {
  const { port } = await listening(createServer())
  await expect(listen(createServer(), { ...here, port })).rejects.toMatchObject({
    code: 'listen/failed',
    message: `can't listen on 127.0.0.1:${port} (EADDRINUSE)`,
    mend: 'stop what uses it, or choose another port',
  })
})

test('closing waits for the answer under way, then closes its connection without waiting for the grace', async () => {
  const asked = Promise.withResolvers<ServerResponse>()
  const one = await listening(createServer((_, response) => asked.resolve(response)))
  const socket = await connect(one.port, request)
  const response = await asked.promise
  let closed = false
  const closing = one.close(hour).then(() => {
    closed = true
  })
  await expect(connect(one.port, request)).rejects.toThrow('ECONNREFUSED')
  expect(closed).toBe(false)
  response.end('answered')
  const [answer] = await once(socket, 'data')
  expect(answer).toContain('answered')
  await closing
})

test('closing closes what is idle at once', async () => {
  const one = await listening(createServer((_, response) => response.end('answered')))
  const socket = await connect(one.port, request)
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await one.close(hour)
  await closed
})

test('closing cuts what is left after the grace, upgraded connections too', async () => {
  const server = createServer(() => {})
  const upgraded = Promise.withResolvers<void>()
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
    upgraded.resolve()
  })
  const one = await listening(server)
  const hanging = await connect(one.port, request)
  const stream = await connect(
    one.port,
    'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n',
  )
  stream.resume()
  hanging.resume()
  await upgraded.promise
  const cut = Promise.all([once(hanging, 'close'), once(stream, 'close')])
  await one.close(1)
  await cut
})

test('taking no more closes what is idle, and leaves what is under way for as long as it takes', async () => {
  const asked = Promise.withResolvers<ServerResponse>()
  const one = await listening(
    createServer((request, response) => (request.url === '/' ? asked.resolve(response) : response.end('ok'))),
  )
  const idle = await connect(one.port, 'GET /idle HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(idle, 'data')
  const idleClosed = once(idle, 'close')
  const socket = await connect(one.port, request)
  const response = await asked.promise
  one.takeNoMore()
  one.takeNoMore()
  await idleClosed
  await expect(connect(one.port, request)).rejects.toThrow('ECONNREFUSED')
  response.write('part of it')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  response.end('the rest')
  await closed
  await one.close(hour)
})

test('closing twice is closing once', async () => {
  const one = await listening(createServer())
  await Promise.all([one.close(), one.close()])
  await one.close()
})
