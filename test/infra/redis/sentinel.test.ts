import { afterAll, beforeAll, expect, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { type Person, people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { type RedisHome, redisHome, type Server } from '../../builders/redis-servers.ts'
import { until } from '../../builders.ts'
import { call } from '../../http-client.ts'
import { checkAudit, checkTold } from '../../journey/aftermath.ts'
import { runRound } from '../../journey/round.ts'
import { type Stack, startStack } from '../../running-stack.ts'

const sentinelPassword = 'a-password-of-sentinels'

let home: RedisHome
let first: Server
let second: Server
let sentinels: Awaited<ReturnType<RedisHome['startSentinel']>>[]
let stack: Stack

/** A master, a replica, and three Sentinels that know each other. */
beforeAll(async () => {
  home = await redisHome()
  first = await home.start('first', home.replication)
  second = await home.start('second', [...home.replication, `replicaof 127.0.0.1 ${first.port}`])
  await until(() => linked(), 'the replica follows')
  sentinels = []
  for (const name of ['sentinel-1', 'sentinel-2', 'sentinel-3'])
    sentinels.push(await home.startSentinel(name, first.port, sentinelPassword))
  for (const { redis } of sentinels)
    await until(
      async () => /slaves=1,sentinels=3/.test(String(await redis.info('sentinel'))),
      'each Sentinel knows the replica and the others',
    )
  const named = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
  stack = await startStack(undefined, (part) => ({
    ...home.environmentOf(part, (login) => `rediss+sentinel://${login}@${named}/pagepass`),
    REDIS_SENTINEL_PASSWORD: sentinelPassword,
    REDIS_REPLICAS: '1',
  }))
})
afterAll(async () => {
  await stack?.stop()
  await home?.stop()
})

const linked = async (): Promise<boolean> =>
  /master_link_status:up/.test(String(await home.connect(second.port, 'admin').info('replication')))
const passId = /`([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})`/
const slash = async (person: Person, text: string): Promise<string> => {
  const sent = await stack.world.slack.sendCommand(person, '/access', text)
  return sent.answer === undefined ? `(${sent.failure})` : messageText(sent.answer)
}
const read = async (person: Person, service: string): Promise<number> => {
  const token = await stack.world.idp.tokenFor(person)
  const host = `${service}.localhost`
  return (await call({ port: stack.ports.proxy, host, path: '/v1/orders', token })).status
}

/** Reads on and on, and keeps what was answered. */
const keepReading = (person: Person, service: string) => {
  const answered = new Map<number, number>()
  let stopped = false
  const reading = (async () => {
    while (!stopped) {
      // Where the test has failed, the proxy is gone by now.
      const status = await read(person, service).catch(() => 0)
      if (status === 0) break
      answered.set(status, (answered.get(status) ?? 0) + 1)
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
  })()
  return {
    stop: async (): Promise<ReadonlyMap<number, number>> => {
      stopped = true
      await reading
      return answered
    },
  }
}

test('A failover that loses the last writes revives no pass, cuts nobody off, and the work goes on', {
  retry: 0,
  timeout: 400_000,
}, async () => {
  const { ana, ben, cho } = people
  await slash(cho, 'grant orders-svc 1h because all through it')
  await until(async () => (await read(cho, 'orders-svc')) === 200, 'Cho gets in')
  const allThrough = keepReading(cho, 'orders-svc')

  // With a replica, a revocation is there too before it is acknowledged.
  await slash(ben, 'grant payments-svc 1h because of a replica')
  const kept = await slash(ben, 'revoke payments-svc')
  expect(kept).toContain('1 of 1 proxy confirmed')
  expect(kept).not.toContain('replicas')

  const asked = await slash(ben, 'grant payments-svc 1h because it will be revoked')
  const pass = passId.exec(asked)?.[1] ?? ''
  await until(async () => (await read(ben, 'payments-svc')) === 200, 'Ben gets in')
  const old = home.connect(first.port, 'admin')
  const replica = home.connect(second.port, 'admin')
  await until(async () => (await replica.hexists(names.live, pass)) === 1, 'the replica has the pass')

  // From here on the replica misses everything.
  await replica.config('SET', 'masterauth', 'wrong')
  await old.call('CLIENT', 'KILL', 'TYPE', 'replica')
  await until(async () => !(await linked()), 'the replica is cut off')
  const revoked = await slash(ben, 'revoke payments-svc')
  expect(revoked).toContain('1 of 1 proxy confirmed')
  expect(revoked).toContain('The replicas of Redis do not have it yet')
  expect(await read(ben, 'payments-svc')).toBe(403)
  const neverAgain = keepReading(ben, 'payments-svc')
  const lost = await slash(ana, 'grant payments-svc 1h because it will be lost')
  expect(lost).toContain('You have a pass')
  const lostPass = passId.exec(lost)?.[1] ?? ''
  await until(async () => (await read(ana, 'payments-svc')) === 200, 'Ana gets in')

  process.kill(first.process.pid, 'SIGKILL')
  await until(
    async () => /role:master/.test(String(await replica.info('replication'))),
    'the replica is promoted',
    90_000,
  )
  await until(
    async () => (await replica.hexists(names.ended, pass)) === 1,
    'the lost end is written again',
    90_000,
  )
  expect(await replica.hexists(names.live, pass)).toBe(0)
  expect(await replica.hexists(names.live, lostPass)).toBe(0)
  await until(async () => (await read(ana, 'payments-svc')) === 403, 'the lost pass is gone everywhere')
  await until(
    async () => (await slash(ana, 'grant payments-svc 1h because I ask again')).includes('You have a pass'),
    'the bot gives passes again',
  )
  await until(async () => (await read(ana, 'payments-svc')) === 200, 'Ana gets in again')

  const violations: string[] = []
  const violated = (what: string): void => void violations.push(what)
  const rounds = [await runRound(stack, 0, violated, 8)]
  await checkTold(stack, rounds, violated)
  await checkAudit(stack, violated)
  expect(violations).toEqual([])
  expect([...(await neverAgain.stop()).keys()]).toEqual([403])
  expect([...(await allThrough.stop()).keys()]).toEqual([200])

  // The old master comes back, and is a replica from now on: what it alone knew is gone.
  await home.start('first', home.replication, first.port)
  await until(async () => /role:slave/.test(String(await old.info('replication'))), 'it is a replica', 90_000)
  expect(await slash(ana, 'revoke payments-svc')).toContain('1 of 1 proxy confirmed')
  expect(await read(ana, 'payments-svc')).toBe(403)
})
