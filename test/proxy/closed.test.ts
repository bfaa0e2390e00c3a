import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync, symlinkSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, inject, test } from 'vitest'
import {
  instance,
  type ProxyUnderTest,
  type ProxyWishes,
  startProxyForTest,
  until,
} from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'

const closers: (() => void)[] = []
let proxy: ProxyUnderTest | undefined
const start = async (wishes: ProxyWishes = {}): Promise<ProxyUnderTest> => {
  proxy = await startProxyForTest(inject('redisUrl'), 10, wishes)
  return proxy
}
afterEach(async () => {
  expect(proxy?.faults ?? []).toEqual([])
  await proxy?.stop()
  proxy = undefined
})

const expectClosed = async (it: ProxyUnderTest, method: string, reason: string): Promise<void> => {
  const answer = await ask(it.port, await it.request('ana', method))
  expect({ status: answer.status, reason: problemOf(answer)['reason'] }).toEqual({ status: 503, reason })
  expect(Number(answer.headers['retry-after']?.[0])).toBeGreaterThan(0)
  expect(it.orders.bytes()).toBe('')
}

test('Before the first sync nothing is let through: there is no Redis', async () => {
  const it = await start({ proxyRedisUrl: 'redis://127.0.0.1:1' })
  await expectClosed(it, 'GET', 'view-missing')
  expect(it.waitingFor()).toContain('the first sync with Redis')
  expect(await it.records(1)).toMatchObject([{ kind: 'refused', reason: 'view-missing' }])
})

test('Before the first sync nothing is let through: the Redis is empty', async () => {
  const it = await start({ bot: false })
  await expectClosed(it, 'GET', 'view-missing')
})

test('Nobody is recognised while the identity provider’s keys were never had', async () => {
  const it = await start()
  await it.give('ana')
  await it.token('ana')
  await it.idp.close()
  for (const method of ['GET', 'POST']) await expectClosed(it, method, 'identity-unavailable')
})

test('A view that grows old closes each tier in its time, the riskier first', async () => {
  const it = await start()
  await it.give('ana')
  await it.stopBot()
  // Some seconds less than two minutes: the last head is not signed at this very moment.
  it.ahead(110_000)
  expect((await ask(it.port, await it.request('ana', 'POST'))).status).toBe(200)
  it.ahead(12_000)
  await it.startOver()
  await expectClosed(it, 'POST', 'view-stale')
  expect((await ask(it.port, await it.request('ana', 'GET'))).status).toBe(200)
  it.ahead(14 * 60_000)
  await it.startOver()
  await expectClosed(it, 'GET', 'view-stale')
})

test('A view that grows old closes what is open under it as well', async () => {
  const it = await start()
  await it.give('ana')
  it.orders.answerWith((_, response) => response.writeHead(200).write('first'))
  const client = it.client()
  client.send(await it.request('ana'))
  await client.when(() => client.text().includes('first'), 'the first bytes')
  await it.stopBot()
  it.ahead(16 * 60_000)
  await client.closed()
  await until(() => it.orders.connections()[0]?.closed() === true, 'the connection to the service to close')
  expect(await it.records(2)).toMatchObject([{ kind: 'admitted' }, { kind: 'closed', outcome: 'cut' }])
})

test('Without room for a record nothing is done', async () => {
  const it = await start({
    prepareAudit: async (folder) => {
      await mkdir(folder, { recursive: true })
      symlinkSync('/dev/full', join(folder, `proxy-${instance}.jsonl`))
    },
  })
  await it.give('ana')
  for (const method of ['GET', 'POST', 'GET']) await expectClosed(it, method, 'audit-unavailable')
})

test('A disk that stands still closes, and lets through again once it moves', async () => {
  let drain: () => void = () => undefined
  let log = ''
  const it = await start({
    prepareAudit: async (folder) => {
      await mkdir(folder, { recursive: true })
      const file = join(folder, `proxy-${instance}.jsonl`)
      // A pipe that nobody empties takes 64 KiB and then stands still, as a stalled disk does.
      execFileSync('mkfifo', [file])
      const end = openSync(file, constants.O_RDWR | constants.O_NONBLOCK)
      const block = Buffer.alloc(4_096, '\n')
      try {
        for (;;) writeSync(end, block)
      } catch {
        // It is full.
      }
      drain = () => {
        try {
          for (;;) log += block.toString('latin1', 0, readSync(end, block))
        } catch {
          // It is empty.
        }
      }
      closers.push(() => closeSync(end))
    },
  })
  await it.give('ana')
  await expectClosed(it, 'GET', 'audit-unavailable')
  await expectClosed(it, 'GET', 'audit-unavailable')
  const emptying = setInterval(() => drain(), 5)
  closers.push(() => clearInterval(emptying))
  await until(
    async () => (await ask(it.port, await it.request('ana'))).status === 200,
    'the log to take records again',
  )
  await it.stop()
  proxy = undefined
  drain()
  const records = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const [first] = records.filter(({ kind }) => kind === 'admitted')
  expect(records.filter(({ id, kind }) => id === first?.['id'] && kind !== 'admitted')).toMatchObject([
    { kind: 'refused', reason: 'audit-unavailable', status: 503 },
    { kind: 'closed', outcome: 'refused', status: 503, bytes: 0 },
  ])
  for (const close of closers.splice(0).reverse()) close()
})
