import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadKeys } from '#access/adapters/keys.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { type Person, people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { partNames } from '#infra/sandbox/stack.ts'
import { type RedisHome, redisHome, type Server } from '../../builders/redis-servers.ts'
import { until } from '../../builders.ts'
import { call } from '../../http-client.ts'
import { type Stack, startStack } from '../../running-stack.ts'

let home: RedisHome
let server: Server
let stack: Stack
beforeAll(async () => {
  home = await redisHome()
  server = await home.start('redis')
  stack = await startStack(undefined, (part) =>
    home.environmentOf(part, (login) => `rediss://${login}@127.0.0.1:${server.port}`),
  )
})
afterAll(async () => {
  await stack?.stop()
  await home?.stop()
})

const readme = fileURLToPath(new URL('../../../infra/redis/README.md', import.meta.url))
/** Runs the commands of the README under a heading, word for word: the n-th block. */
const follow = async (heading: string, nth: number): Promise<void> => {
  const section = (await readFile(readme, 'utf8'))
    .split(/^## /m)
    .find((one) => one.startsWith(`${heading}\n`))
  const block = [...(section ?? '').matchAll(/^```sh\n(.*?)^```/gms)][nth]?.[1]
  if (block === undefined) throw new Error(`there are no such commands under ${heading}`)
  await promisify(execFile)('sh', ['-euc', block], {
    env: {
      PATH: process.env['PATH'],
      REDIS_CA: home.ca,
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(server.port),
      REDIS_DATA: server.folder,
      REDIS_BACKUP_PASSWORD: home.passwordOf('backup'),
      REDIS_ADMIN_PASSWORD: home.passwordOf('admin'),
      BACKUP: join(home.folder, 'backup.rdb'),
    },
    timeout: 60_000,
  })
}

const slash = async (person: Person, text: string): Promise<string> => {
  const sent = await stack.world.slack.sendCommand(person, '/access', text)
  return sent.answer === undefined ? `(${sent.failure})` : messageText(sent.answer)
}
const passOf = (answer: string): string =>
  /`([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})`/.exec(answer)?.[1] ?? answer
const read = async (person: Person): Promise<number> => {
  const token = await stack.world.idp.tokenFor(person)
  const host = 'orders-svc.localhost'
  return (await call({ port: stack.ports.proxy, host, path: '/v1/orders', token })).status
}

/** Somebody with the key for it has them locked out. */
const lockOut = async ({ subject }: Person): Promise<number> => {
  const keys = await loadKeys(join(stack.folder, 'keys', 'responder'), 'responder', 'sandbox')
  const order = { environment: 'sandbox', subject, because: 'gone', at: Date.now() }
  const body = await createStatements(keys).sign('lock-order', order)
  return (await fetch(`http://127.0.0.1:${stack.ports.bot}/api/v1/locks`, { method: 'POST', body })).status
}

test('A backup that is restored as the README says revives no pass that has ended since, and lets in nobody who was locked out', {
  retry: 0,
}, async () => {
  const { ana, ben, cho, eve } = people
  const ended = passOf(await slash(ben, 'grant orders-svc 1h because it ends after the backup'))
  const lasting = passOf(await slash(cho, 'grant orders-svc 1h because it lasts'))
  await until(async () => (await read(ben)) === 200, 'Ben gets in')
  await follow('Backup', 0)
  expect(await slash(ben, 'revoke orders-svc')).toContain('1 of 1 proxy confirmed')
  await slash(ana, 'grant orders-svc 1h because it is not in the backup')
  await until(async () => (await read(ana)) === 200, 'Ana gets in')
  const admin = home.connect(server.port, 'admin')
  expect(await lockOut(eve)).toBe(200)
  // What the workers know of it is what their audit says.
  const audit = () => readFile(join(stack.folder, 'audit', 'workers-sandbox.jsonl'), 'utf8')
  await until(
    async () => (await audit()).includes(`"step":"end","grant":"${ended}"`),
    'the end is in the audit',
  )
  await until(async () => (await audit()).includes('"step":"lock"'), 'the lock is in the audit')

  for (const part of partNames) await stack.stopPart(part)
  await server.process.stop()
  await follow('Restore', 0)
  const once = await home.start('redis', ['appendonly no'], server.port)
  await follow('Restore', 1)
  await once.process.exited
  await home.start('redis', [], server.port)
  expect(await admin.hexists(names.live, ended), 'the backup has the pass').toBe(1)
  expect(await admin.hlen(names.locks), 'the backup has no lock').toBe(0)

  await stack.start('workers')
  await until(async () => (await admin.hexists(names.ended, ended)) === 1, 'the end is written again')
  await until(async () => (await admin.hlen(names.locks)) === 1, 'the lock is written again')
  await stack.start('bot')
  await stack.start('proxy')
  expect(await read(ben)).toBe(403)
  expect(await admin.hkeys(names.live)).toEqual([lasting])
  expect(await read(cho)).toBe(200)
  expect(await read(ana)).toBe(403)
  expect(await slash(ana, 'grant orders-svc 1h because I ask again')).toContain('You have a pass')
  await until(async () => (await read(ana)) === 200, 'Ana gets in again')
  expect(await slash(eve, 'list')).toContain('locked out')
})
