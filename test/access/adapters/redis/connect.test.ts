import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closeForGood, connectPatient } from '#access/adapters/redis/connect.ts'
import { until } from '../../../builders.ts'

const replies: Record<string, string> = {
  hello: '%0\r\n',
  client: '+OK\r\n',
  info: '$9\r\nloading:0\r\n',
}

/** A Redis that says it is ready, and answers nothing else. */
let server: Server
const sockets = new Set<Socket>()
beforeEach(async () => {
  server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (sent) => {
      for (const [, command] of String(sent).matchAll(/\r\n(hello|client|info)\r\n/gi)) {
        socket.write(replies[command?.toLowerCase() ?? ''] ?? '')
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  server.close()
})

describe('Whoever waits for an answer when its connection is closed for good hears so', () => {
  const states: readonly (readonly [string, Redis['status'], (redis: Redis) => void])[] = [
    ['while it is open', 'ready', () => undefined],
    [
      'while it is about to be made anew',
      'reconnecting',
      () => {
        for (const socket of sockets) socket.destroy()
      },
    ],
    ['while it is given up', 'ready', (redis) => redis.disconnect(true)],
  ]
  test.each(states)('%s', async (_, status, bringAbout) => {
    const { port } = server.address() as AddressInfo
    const redis = connectPatient(`redis://127.0.0.1:${port}`, () => undefined)
    await once(redis, 'ready')
    const answer = redis
      .call('XREAD', 'BLOCK', 1_000, 'STREAMS', 'events', '$')
      .catch((error: Error) => error.message)
    bringAbout(redis)
    await until(() => redis.status === status, `it to be ${status}`)
    closeForGood(redis)
    expect(await answer).toBe('Connection is closed.')
    await until(() => redis.status === 'end', 'its end')
  })
})
