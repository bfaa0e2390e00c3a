import { once } from 'node:events'
import { createServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'

/** The whole gigabyte: `LARGE_BODIES_MB=1024 npx vitest run test/proxy/large-bodies.test.ts` */
const size = Number(process.env['LARGE_BODIES_MB'] ?? 256) * 1024 ** 2
/** Of client, proxy and service in one process; it takes no more for 4 GB than for half a gigabyte (159 and 144 MB). */
const mostMemory = 192 * 1024 ** 2
const chunk = Buffer.alloc(65_536, 'x')

let answer: RequestListener
const service = createServer((incoming, response) => answer(incoming, response))
let proxy: ProxyUnderTest
beforeAll(async () => {
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const { port } = service.address() as AddressInfo
  proxy = await startProxyForTest(inject('redisUrl'), 74, {
    mend: (text) => text.replace(/blue: http:\/\/[^ ]+/, `blue: http://127.0.0.1:${port}`),
  })
  await proxy.give('ana')
})
afterAll(async () => {
  await proxy.stop()
  service.close()
})

/** So many bytes, made as they are asked for. */
const bytes = (): Readable => {
  let left = size
  return new Readable({
    highWaterMark: chunk.length,
    read() {
      left -= chunk.length
      this.push(left < 0 ? null : chunk)
    },
  })
}

/** Counts what comes, and how much memory the process has meanwhile: here client, proxy and service in one. */
const counter = () => {
  const before = process.memoryUsage().rss
  let count = 0
  let most = 0
  const sink = new Writable({
    highWaterMark: chunk.length,
    write(piece: Buffer, _, done) {
      count += piece.length
      if (count % (16 * 1024 ** 2) < piece.length) most = Math.max(most, process.memoryUsage().rss - before)
      done()
    },
  })
  return { sink, counted: () => ({ count, most }) }
}

const asked = async (method: string) =>
  request({
    port: proxy.port,
    method,
    path: '/v1/orders',
    headers: { host: `orders-svc.${domain}`, authorization: `Bearer ${await proxy.token('ana')}` },
  })

test('Much goes up in little memory', async () => {
  const { sink, counted } = counter()
  answer = (incoming, response) => void pipeline(incoming, sink).then(() => response.end('done'))
  const going = await asked('POST')
  const answered = new Promise<number | undefined>((resolve, reject) => {
    going.on('response', (came) => {
      came.resume()
      resolve(came.statusCode)
    })
    going.on('error', reject)
  })
  await pipeline(bytes(), going)
  expect(await answered).toBe(200)
  expect(counted().count).toBe(size)
  expect(counted().most).toBeLessThan(mostMemory)
})

test('Much comes down in little memory', async () => {
  const { sink, counted } = counter()
  answer = (_, response) => void pipeline(bytes(), response)
  const going = await asked('GET')
  const coming = new Promise<Readable>((resolve, reject) => {
    going.on('response', resolve)
    going.on('error', reject)
  })
  going.end()
  await pipeline(await coming, sink)
  expect(counted().count).toBe(size)
  expect(counted().most).toBeLessThan(mostMemory)
})
