import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadKeys } from '#access/adapters/keys.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { signDirectory } from '#access/runtime/directory.ts'
import { replaceFile } from '#access/runtime/replace-file.ts'
import { everyone, people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { until } from '../../builders.ts'
import { call } from '../../http-client.ts'
import { type Stack, startStack } from '../../running-stack.ts'

let stack: Stack
let redis: Redis
beforeAll(async () => {
  stack = await startStack()
  redis = new Redis(stack.redisUrl)
})
afterAll(async () => {
  redis?.disconnect()
  await stack?.stop()
})

const slash = async (text: string, by = people.ben): Promise<string> => {
  const sent = await stack.world.slack.sendCommand(by, '/access', text)
  return sent.answer === undefined ? `(${sent.failure})` : messageText(sent.answer)
}
const read = async (by = people.ben): Promise<number> => {
  const token = await stack.world.idp.tokenFor(by)
  const host = 'orders-svc.localhost'
  return (await call({ port: stack.ports.proxy, host, path: '/v1/orders', token })).status
}
/** Somebody with the key for it has Ben's colleague Cho locked out. */
const lockCho = async (): Promise<number> => {
  const keys = await loadKeys(join(stack.folder, 'keys', 'responder'), 'responder', 'sandbox')
  const order = { environment: 'sandbox', subject: people.cho.subject, because: 'gone', at: Date.now() }
  const body = await createStatements(keys).sign('lock-order', order)
  return (await fetch(`http://127.0.0.1:${stack.ports.bot}/api/v1/locks`, { method: 'POST', body })).status
}
const stored = [names.sequence, names.versions, names.live, names.ended, names.events, names.locks]

test('Redis goes back to before a revocation and a lock, bot and workers are new and know nothing: the proxy proves both', {
  retry: 0,
}, async () => {
  const pass = /`([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})`/.exec(
    await slash('grant orders-svc 1h because it is revoked'),
  )?.[1]
  await until(async () => (await read()) === 200, 'Ben gets in')
  const before = await Promise.all(stored.map(async (key) => [key, await redis.dumpBuffer(key)] as const))
  expect(await slash('revoke orders-svc')).toContain('1 of 1 proxy confirmed')
  expect(await read()).toBe(403)
  expect(await lockCho()).toBe(200)

  await stack.stopPart('bot')
  await stack.stopPart('workers')
  await rm(join(stack.folder, 'audit', 'workers-sandbox.jsonl'))
  const back = redis.multi()
  for (const [key, value] of before) {
    back.del(key)
    if (value !== null) back.restore(key, 0, value)
  }
  await back.exec()
  expect(await redis.hexists(names.live, pass ?? ''), 'Redis has the pass again').toBe(1)

  const answered = new Set<number>()
  let answers = 0
  let done = false
  const reading = (async () => {
    while (!done) {
      answered.add(await read())
      answers += 1
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  try {
    await Promise.all([stack.start('bot'), stack.start('workers')])
    await until(
      async () => (await redis.hexists(names.ended, pass ?? '')) === 1,
      'the end is written again',
      60_000,
    )
    // Some more, by the view that is in step again.
    const reads = answers
    await until(() => answers > reads + 20, 'more was read')
  } finally {
    done = true
    await reading
  }
  // 503 where the view was too old meanwhile.
  expect([...answered].filter((status) => status !== 503)).toEqual([403])
  expect(await redis.hexists(names.live, pass ?? '')).toBe(0)
  await until(async () => (await redis.hlen(names.locks)) === 1, 'the lock is written again', 60_000)
  expect(stack.log('workers') + stack.log('bot')).toContain('a lost end was written again')
  expect(await slash('list', people.cho)).toContain('locked out')
})

test('Whoever a newer directory says is not active loses what they have at once, and nobody is started anew', {
  retry: 0,
}, async () => {
  expect(await slash('grant orders-svc 1h because they still work here', people.ana)).toContain('until')
  await until(async () => (await read(people.ana)) === 200, 'Ana gets in')
  const offline = await loadKeys(join(stack.folder, 'keys', 'offline'), 'offline', 'sandbox')
  const all = everyone.map(({ name, subject, groups, slack, pagerduty }) => {
    const issuer = `http://127.0.0.1:${stack.ports.idp}`
    return { issuer, subject, name, groups, active: name !== 'ana', slack, pagerduty }
  })
  const signed = await signDirectory(all, createStatements(offline), 'sandbox', Date.now())
  await replaceFile(join(stack.folder, 'directory.jws'), signed)
  await until(async () => (await read(people.ana)) === 403, 'Ana is out', 60_000)
  expect(await slash('grant orders-svc 1h because they want more', people.ana)).toMatch(
    /locked out|not active/,
  )
  expect(await read(people.ben)).not.toBe(503)
})
