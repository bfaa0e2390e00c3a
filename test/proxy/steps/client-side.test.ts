import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { clientSideOf } from '#proxy/steps/client-side.ts'

const host = 'orders-svc.access.test'

/** A socket that says that it comes from there. */
const from = (address: string | undefined): Socket =>
  Object.defineProperty(new Socket(), 'remoteAddress', { get: () => address })

test.each([
  ['192.0.2.7', host, `for=192.0.2.7;host=${host};proto=http`],
  ['2001:db8::7', host, `for="[2001:db8::7]";host=${host};proto=http`],
  ['::ffff:192.0.2.7', host, `for="[::ffff:192.0.2.7]";host=${host};proto=http`],
  ['fe80::1%eth0', host, `for="[fe80::1]";host=${host};proto=http`],
  [undefined, host, `for=unknown;host=${host};proto=http`],
  ['192.0.2.7', `${host}:8443`, `for=192.0.2.7;host="${host}:8443";proto=http`],
  ['192.0.2.7', 'a"b\\c', 'for=192.0.2.7;host="a\\"b\\\\c";proto=http'],
])('A client from %s that asks for %s is %s', (address, asked, forwarded) => {
  expect(clientSideOf(from(address), asked)).toMatchObject({ address: address ?? '', forwarded })
})

test('It is put together once per connection and host', () => {
  const socket = from('192.0.2.7')
  const first = clientSideOf(socket, host)
  expect(clientSideOf(socket, host)).toBe(first)
  const other = clientSideOf(socket, 'payments-svc.access.test')
  expect(first.origin).toBe(`https://${host}`)
  expect(other).toMatchObject({
    host: 'payments-svc.access.test',
    address: '192.0.2.7',
    origin: 'https://payments-svc.access.test',
  })
  expect(other.forwarded).toContain('host=payments-svc.access.test;')
  expect(clientSideOf(socket, host)).toEqual(first)
  expect(clientSideOf(from('192.0.2.8'), host).forwarded).toContain('for=192.0.2.8;')
})

test('On this machine alone a page may do without TLS', () => {
  const originAt = (asked: string): string => clientSideOf(from('127.0.0.1'), asked).origin
  expect(originAt('orders-svc.localhost:7070')).toBe('http://orders-svc.localhost:7070')
  expect(originAt('orders-svc.LOCALHOST')).toBe('http://orders-svc.localhost')
  expect(originAt('orders-svc.localhost.access.test')).toBe('https://orders-svc.localhost.access.test')
  expect(originAt('orders-svc.notlocalhost')).toBe('https://orders-svc.notlocalhost')
})

test('A connection that is gone keeps nothing of another one', () => {
  let address: string | undefined
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { get: () => address })
  expect(clientSideOf(socket, host).address).toBe('')
  address = '192.0.2.7'
  expect(clientSideOf(socket, host).address).toBe('192.0.2.7')
})

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1')

test.runIf(hasIpv6)('A real connection over IPv6', async () => {
  const server = createServer()
  await once(server.listen(0, '::1'), 'listening')
  const client = connect((server.address() as AddressInfo).port, '::1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  expect(clientSideOf(socket, host).forwarded).toBe(`for="[::1]";host=${host};proto=http`)
  client.destroy()
  socket.destroy()
  server.close()
})
