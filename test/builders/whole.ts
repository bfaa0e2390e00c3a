import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeys } from '#access/adapters/keys.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { SignIns } from '#access/ports.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import { startProxy } from '#proxy/app.ts'
import { keysIn, rulesOf, until } from '../builders.ts'
import { known, startBotForTest } from './bot.ts'
import { ecKey, type SigningKey, signedBy, startProvider } from './provider.ts'
import { type RawClient, rawClient } from './raw-client.ts'
import { startUpstream } from './upstream.ts'

export const domain = 'access.test'

export const wholeRules = (issuer: string, orders: string, payments: string): string => `
version: 1
environment: sandbox
domain: ${domain}
identity: { issuer: ${issuer}, audience: pagepass }
people:
  sre: { groups: [sre] }
  payments: { groups: [team-payments] }
tiers:
  observe: { longest: 8h, rate: 900000/s, when_stale: 15m }
  operate: { longest: 2h, rate: 900000/s, when_stale: 2m }
  admin: { longest: 1h, rate: 900000/s, when_stale: 30s, approvals: { count: 1, from: [sre] } }
services:
  orders-svc:
    releases: { blue: ${orders} }
    serve: blue
    pagerduty: [PORDERS]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-orders"
    owners: [payments]
    tiers: { observe: [GET /v1/**], operate: [POST /v1/**], admin: ["* /admin/**"] }
  payments-svc:
    releases: { blue: ${payments} }
    serve: blue
    pagerduty: [PPAYMENTS]
    channel: "#inc-payments"
    owners: [payments]
    tiers: { observe: [GET /v1/**], operate: [POST /v1/**], admin: ["* /admin/**"] }
on_page:
  - { services: [orders-svc], who: [payments], give: operate, how: auto, for: 1h, cap: 2h }
on_request:
  - { who: [payments], tiers: [observe, operate], how: at once }
  - { who: [sre], tiers: [observe], how: at once }
  - { who: [payments, sre], tiers: [admin], how: approval }
lock: { who: [sre, payments] }
`

/**
 * All of Pagepass in this process, on a Redis database of its own: bot, workers and proxy with keys of one folder, as
 * `pagepass keys create` makes them. The clock goes on from where it is set.
 */
export const startWhole = async (
  redisUrl: string,
  database: number,
  mend: (text: string) => string = (text) => text,
  signIns?: SignIns,
) => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-whole-'))
  const keyFolder = join(folder, 'keys')
  await createKeys(keyFolder, 'sandbox')
  const keys = await keysIn(keyFolder)
  const provider = await startProvider()
  const signing: SigningKey = ecKey('provider-1')
  provider.publish(signing.jwk)
  const orders = await startUpstream()
  const payments = await startUpstream()
  const rules: RuleSet = rulesOf(mend(wholeRules(provider.issuer, orders.url, payments.url)))
  const person = (name: PersonName) => known(name, { issuer: provider.issuer })
  const bot = await startBotForTest(redisUrl, database, {
    rules,
    keys,
    ...(signIns === undefined ? {} : { signIns }),
    people: (['ana', 'ben', 'cho', 'eve'] as const).map(person),
    workers: true,
  })
  bot.clock.set(Date.now())
  // A proxy that has a part of a rate from Redis gets more of it by its own clock alone.
  let passed = performance.now()
  const ticking = setInterval(() => {
    const ms = Math.floor(performance.now() - passed)
    passed += ms
    bot.clock.set(bot.clock.now() + ms)
  }, 10)
  const url = new URL(redisUrl)
  url.pathname = `/${database}`
  const quiet = (): void => undefined
  const logged: Record<string, unknown>[] = []
  const clients = new Set<RawClient>()

  /** One more proxy, with the keys as they lie in the folder now. */
  const startOne = async (instance: string, over = url.href, waits = true) => {
    const prompt = over === url.href ? connectPatient(over, quiet) : connectPrompt(over, quiet)
    const patient = connectPatient(over, quiet)
    const own = (await keysIn(keyFolder)).proxy
    const proxy = await startProxy({
      rules,
      keys: own,
      clock: bot.clock,
      log: createLogger('proxy', 'info', {
        write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>),
      }),
      instance,
      auditFolder: join(folder, instance),
      revocationFiles: {
        given: join(keyFolder, 'proxy', 'revoked.jws'),
        kept: join(folder, `${instance}.jws`),
      },
      lockFile: join(folder, 'locks', `${instance}.jws`),
      listen: { host: '127.0.0.1', port: 0 },
      prompt,
      patient,
    })
    if (waits) await until(() => proxy.waitingFor().length === 0, 'the proxy to be in step')
    return {
      ...proxy,
      keys: own,
      stop: async (): Promise<void> => {
        await proxy.stop()
        prompt.disconnect()
        patient.disconnect()
      },
    }
  }
  const proxy = await startOne('first')

  const token = (name: PersonName, more: object = {}): string => {
    const seconds = Math.floor(bot.clock.now() / 1_000)
    const { subject, groups } = people[name]
    return signedBy(signing, {
      iss: provider.issuer,
      aud: 'pagepass',
      sub: subject,
      groups,
      iat: seconds,
      exp: seconds + 600,
      ...more,
    })
  }

  return {
    folder,
    keyFolder,
    keys,
    rules,
    provider,
    signing,
    bot,
    proxy,
    startOne,
    orders,
    payments,
    person,
    redis: bot.redis,
    logged,
    token,
    client: (port = proxy.port): RawClient => {
      const client = rawClient(port)
      clients.add(client)
      return client
    },
    request: (
      name: PersonName,
      method = 'GET',
      target = '/v1/orders',
      service = 'orders-svc',
      more: object = {},
    ): string =>
      [
        `${method} ${target} HTTP/1.1`,
        `Host: ${service}.${domain}`,
        `Authorization: Bearer ${token(name, more)}`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    stop: async (): Promise<void> => {
      clearInterval(ticking)
      for (const client of clients) client.end()
      orders.forget()
      payments.forget()
      await proxy.stop()
      await bot.stop()
      await provider.close()
      await orders.close()
      await payments.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type Whole = Awaited<ReturnType<typeof startWhole>>
