import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { importJWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { createLockStore } from '#access/adapters/redis/lock-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { followReceipts } from '#access/adapters/redis/receipts.ts'
import { readReports } from '#access/adapters/redis/reports.ts'
import { signHeads } from '#access/adapters/redis/sign-heads.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Confirmation } from '#access/domain/confirmation.ts'
import type { EndCause, Grant } from '#access/domain/grant.ts'
import { grantIdFromFacts } from '#access/domain/grant-id.ts'
import type { Lock } from '#access/domain/lock.ts'
import type { RuleSet, Service } from '#access/domain/rule-set.ts'
import type { Usage } from '#access/domain/usage.ts'
import { createView } from '#access/domain/view.ts'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { createClock } from '#access/runtime/clock.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import { startProxy } from '#proxy/app.ts'
import type { AuthzSettings } from '#proxy/authz/config.ts'
import type { Sessions } from '#proxy/session/sessions.ts'
import type { PairFiles } from '#proxy/tls/pair.ts'
import { makePair } from './certificate.ts'
import { type RawClient, rawClient } from './raw-client.ts'
import { startUpstream, type Upstream } from './upstream.ts'
import { type WebSocketClient, webSocketClient } from './web-socket-client.ts'

export const domain = 'access.test'
export const instance = 'tested'

export const rulesText = (issuer: string, orders: string, payments: string) => `
version: 1
environment: sandbox
domain: ${domain}
identity: { issuer: ${issuer}, audience: pagepass }
people:
  sre: { groups: [sre] }
  payments: { groups: [team-payments] }
  auditors: { roles: [auditor] }
tiers:
  observe: { longest: 8h, rate: 900000/s, when_stale: 15m }
  scarce: { longest: 2h, rate: 2/m, when_stale: 2m }
  operate: { longest: 2h, rate: 900000/s, when_stale: 2m, reason: required }
  admin: { longest: 1h, rate: 900000/s, when_stale: 30s, reason: required, approvals: { count: 1, from: [sre] } }
profiles:
  web:
    tiers:
      observe: [GET /, GET /v1/**, GET /public/**, OPTIONS /v1/**, "* /any/**"]
      scarce: [GET /scarce/*, WS /rare]
      operate: [POST /v1/**, PUT /v1/**, PATCH /v1/**, DELETE /v1/**, WS /live, WS /live/**]
      admin: ["* /admin/**", WS /admin/**]
services:
  orders-svc:
    profile: web
    releases: { blue: ${orders} }
    serve: blue
    channel: "#inc-orders"
    owners: [payments]
  payments-svc:
    profile: web
    releases: { blue: ${payments} }
    serve: blue
    channel: "#inc-payments"
    owners: [payments]
on_request:
  - { who: [sre, payments], tiers: [observe, scarce, operate], how: at once }
  - { who: [sre], tiers: [admin], how: approval }
workloads:
  checkout: { subjects: [client-checkout] }
standing:
  - { from: workload:checkout, to: payments-svc, allow: [POST /hooks/*, WS /hooks], rate: 2/m, burst: 2 }
  - { from: auditors, to: payments-svc, tier: observe }
`

export type AuditRecord = Readonly<Record<string, unknown>> & { readonly kind: string }

export type GrantWishes = Partial<Grant> & {
  readonly service?: string
  /** Milliseconds. */
  readonly lasts?: number
}

export type ProxyWishes = {
  /** Another Redis for the proxy alone, such as one that is not there. */
  readonly proxyRedisUrl?: string
  /** Prepares the folder of the audit log before the proxy opens it. */
  readonly prepareAudit?: (folder: string) => void | Promise<void>
  readonly orders?: Upstream
  /** The proxy listens over TLS. */
  /** Its certificate and key, or `own` for a pair made for it. */
  readonly tls?: PairFiles | 'own'
  /** Times that the rule set can't say, being too short. */
  readonly timeouts?: Partial<Service['timeouts']>
  /** Where the bot is at home in Slack. */
  readonly slackApp?: string
  /** The bot's command, where it is another. */
  readonly slackCommand?: string
  /** Who signed in with a browser. */
  readonly sessions?: Sessions
  /** How front proxies authenticate to the decision endpoint. Without it there is none. */
  readonly authz?: Pick<AuthzSettings, 'secrets' | 'tls'>
  /** Whether workloads may call the outside through it, where, and with which certificate if over TLS. */
  readonly egress?: { readonly port?: number; readonly tls?: PairFiles }
  /** The rule set's `drain`, in milliseconds. */
  readonly drain?: number
  /** Changes the text of the rule set before it is read. */
  readonly mend?: (text: string) => string
  /** Makes the folder of keys in another way than `pagepass keys create` does. */
  readonly makeKeys?: (folder: string, environment: string) => Promise<unknown>
  /** False leaves the Redis without epoch and heads, as if no bot or worker had ever run. */
  readonly bot?: boolean
}

const patienceMs = 30_000

/** Waits until something holds. */
export const until = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const tooLate = AbortSignal.timeout(patienceMs)
  while (!(await holds())) {
    if (tooLate.aborted) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/**
 * The real proxy in this process: real Redis (a database of its own), real keys, real grants, real heads, real
 * tokens. Only the clock can be set ahead, and the upstreams record.
 */
export const startProxyForTest = async (redisUrl: string, database: number, wishes: ProxyWishes = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-proxy-'))
  const url = new URL(redisUrl)
  url.pathname = `/${database}`
  const admin = new Redis(url.href)
  await admin.flushdb()

  const idpState = join(folder, 'idp.json')
  const idp = await startIdp({ stateFile: idpState }, 0)
  const orders = wishes.orders ?? (await startUpstream())
  const payments = await startUpstream()
  const text = rulesText(idp.issuer, orders.url, payments.url)
  const parsed = parseRuleSet(wishes.mend?.(text) ?? text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  const services = new Map(
    [...parsed.rules.services].map(([name, service]) => [
      name,
      { ...service, timeouts: { ...service.timeouts, ...wishes.timeouts } },
    ]),
  )
  const rules = { ...parsed.rules, services, drain: wishes.drain ?? parsed.rules.drain }
  await (wishes.makeKeys ?? createKeys)(join(folder, 'keys'), rules.environment)

  const bot =
    wishes.bot === false ? undefined : await startBotPart(url.href, join(folder, 'keys'), rules.environment)

  const real = createClock()
  let aheadMs = 0
  const clock = { now: () => real.now() + aheadMs }
  const logged: Record<string, unknown>[] = []
  const log = createLogger('proxy', 'info', {
    write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>),
  })
  const auditFolder = join(folder, 'audit')
  await wishes.prepareAudit?.(auditFolder)
  const quiet = (): void => undefined
  // Without the limit of a second on each command: here everybody runs in one process, which may stand still for longer.
  const prompt =
    wishes.proxyRedisUrl === undefined
      ? connectPatient(url.href, quiet)
      : connectPrompt(wishes.proxyRedisUrl, quiet)
  const patient = connectPatient(wishes.proxyRedisUrl ?? url.href, quiet)
  const applied = watchSequence(patient)
  const tls = wishes.tls === 'own' ? await makePair(folder, 'proxy') : wishes.tls
  const proxy = await startProxy({
    rules,
    keys: await loadKeys(join(folder, 'keys', 'proxy'), 'proxy', rules.environment),
    clock,
    log,
    instance,
    auditFolder,
    listen: { host: '127.0.0.1', port: 0 },
    authz: wishes.authz && { listen: { host: '127.0.0.1', port: 0 }, ...wishes.authz },
    egress: wishes.egress && {
      listen: { host: '127.0.0.1', port: wishes.egress.port ?? 0 },
      tls: wishes.egress.tls,
    },
    prompt,
    patient,
    ...(tls === undefined ? {} : { tls }),
    slackApp: wishes.slackApp,
    slackCommand: wishes.slackCommand,
    sessions: wishes.sessions,
  })
  if (bot !== undefined && wishes.proxyRedisUrl === undefined)
    await until(() => proxy.waitingFor().length === 0, 'the proxy to be in step')

  const faults: unknown[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  process.on('uncaughtExceptionMonitor', onFault)

  const auditFile = join(auditFolder, `proxy-${instance}.jsonl`)
  let mark = 0
  const readAudit = async (): Promise<AuditRecord[]> =>
    (await readFile(auditFile))
      .subarray(mark)
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditRecord)
  const tokens = new Map<PersonName, Promise<string>>()
  const clients = new Set<RawClient | WebSocketClient>()
  const live = new Map<string, Grant>()
  let given = 0
  let starts = 0

  /** While it reads all of Redis anew, what comes decides only once a head agrees. */
  const holds = (sequence: number): boolean =>
    applied() >= sequence &&
    logged.findLast(({ msg }) => msg === 'waiting for Redis' || msg === 'in step with Redis')?.['msg'] !==
      'waiting for Redis'

  const theBot = () => {
    if (bot === undefined) throw new Error('this proxy was started without a bot')
    return bot
  }

  const it = {
    port: proxy.port,
    /** Where front proxies ask. */
    authzPort: proxy.authzPort ?? 0,
    /** Where workloads call the outside through. */
    egressPort: proxy.egressPort ?? 0,
    rules,
    idp,
    orders,
    payments,
    redis: admin,
    logged,
    faults,
    auditFile,
    waitingFor: proxy.waitingFor,
    locks: proxy.locks,
    /** Stores a lock, or what lifts it, as a bot does, and waits until the proxy has heard of it. */
    putLock: async (lock: Lock) => {
      const { stored, sequence } = await theBot().locks.put(lock, lock.version - 1)
      if (!stored) throw new Error('the store did not take the lock')
      await until(() => applied() >= sequence, 'the proxy to hear of the lock')
      return sequence
    },
    /** What the fleet confirmed of an event. */
    receiptOf: (sequence: number) => theBot().receipts.of(sequence),
    /** Lets a registry read what the proxy counts. */
    measure: proxy.measure,
    /** Sets the proxy's clock ahead. Nobody else's. */
    ahead: (ms: number): void => {
      aheadMs += ms
    },
    now: clock.now,

    /** A token of the real provider. */
    token: (name: PersonName): Promise<string> => {
      const known = tokens.get(name) ?? idp.tokenFor(people[name])
      tokens.set(name, known)
      return known
    },
    /** Whatever claims and header, signed with the provider's own key. */
    signed: async (claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}): Promise<string> => {
      const [jwk] = (
        JSON.parse(readFileSync(idpState, 'utf8')) as { signing: [{ kid: string; alg: string }] }
      ).signing
      // By the proxy's clock, which never runs backwards: a wall clock that is set back is behind it.
      const seconds = Math.floor(clock.now() / 1_000)
      return new SignJWT({
        iss: idp.issuer,
        aud: 'pagepass',
        sub: people.ana.subject,
        groups: [...people.ana.groups],
        iat: seconds,
        exp: seconds + 600,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid, ...header })
        .sign(await importJWK(jwk, 'ES256'))
    },

    /** Gives a grant as a bot would, and waits until the proxy holds it. */
    give: async (
      name: PersonName,
      { service = 'orders-svc', lasts = 3_600_000, ...more }: GrantWishes = {},
    ) => {
      given += 1
      const now = clock.now()
      const grant: Grant = {
        ...aRequestedGrant(rules, idp.issuer, name, given, now),
        services: [service],
        until: now + lasts,
        duration: lasts,
        ...more,
      }
      const { sequence } = await theBot().store.give(grant)
      live.set(grant.id, grant)
      await until(() => holds(sequence), 'the proxy to hold the grant')
      return grant
    },
    /** Gives a newer version of a grant as a bot would, and waits until the proxy holds it. */
    renew: async (grant: Grant, changes: Partial<Grant>): Promise<Grant> => {
      const newer: Grant = { ...grant, step: 'extended', ...changes, version: grant.version + 1 }
      const { given, sequence } = await theBot().store.give(newer)
      if (!given) throw new Error('the store did not take the newer version')
      live.set(newer.id, newer)
      await until(() => holds(sequence), 'the proxy to hold the newer version')
      return newer
    },
    /** Writes a newer version that no bot signed, as whoever can write to Redis would. */
    forge: async (grant: Grant, changes: Partial<Grant>): Promise<void> => {
      const newer: Grant = { ...grant, ...changes, version: grant.version + 1 }
      const stored = (await admin.hget('{pagepass}:live', grant.id)) ?? ''
      const [header, , signature] = stored.split('.')
      const statement = [header, Buffer.from(JSON.stringify(newer)).toString('base64url'), signature].join(
        '.',
      )
      const next = await admin.incr('{pagepass}:sequence')
      await admin.hset('{pagepass}:live', grant.id, statement)
      await admin.hset('{pagepass}:versions', grant.id, `${newer.version} ${next}`)
      const fields = ['kind', 'grant', 'id', grant.id, 'statement', statement]
      await admin.xadd('{pagepass}:events', `${next}-0`, ...fields)
      // Only an end of the next version still counts.
      live.set(grant.id, { ...grant, version: newer.version })
    },
    /** Ends a grant, and waits until the proxy has carried it out. The receipt is what the fleet confirmed. */
    end: async (grant: Grant, cause: EndCause = 'revoked') => {
      const sequence = await it.endUnconfirmed(grant, cause)
      const tooLate = AbortSignal.timeout(patienceMs)
      for (;;) {
        // It names whoever has not confirmed within a moment, and a busy machine takes more than that.
        const receipt = await theBot().receipts.of(sequence)
        if (receipt.confirmed.includes(instance) || tooLate.aborted) return receipt
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    /** The same of what the proxy may not hold, and so not confirm. Answers with the number of the event. */
    endUnconfirmed: async (grant: Grant, cause: EndCause = 'revoked'): Promise<number> => {
      live.delete(grant.id)
      const { sequence } = await theBot().store.end(grant, cause)
      await until(() => applied() >= sequence, 'the proxy to hear of the end')
      return sequence
    },
    /** Ends whatever a test left. */
    endAll: async (): Promise<void> => {
      for (const grant of live.values()) await theBot().receipts.of(await it.endUnconfirmed(grant))
    },
    /** Attests what PagerDuty confirmed, as the bot that reconciles does. */
    confirm: async (confirmation: Omit<Confirmation, 'environment'>): Promise<void> => {
      const body = { environment: rules.environment, ...confirmation }
      await admin.set(names.incidentsConfirmed, await theBot().statements.sign('confirmation', body))
    },
    /** No more heads are signed, as when every bot and worker is dead. */
    stopBot: (): Promise<void> => theBot().stop(),
    /** The proxy hears nothing more of Redis. */
    cutRedis: (): void => {
      prompt.disconnect()
      patient.disconnect()
    },

    /** Ends what a test left open, and forgets the audit records so far and what the upstreams received. */
    startOver: async (): Promise<void> => {
      for (const client of clients) client.end()
      clients.clear()
      orders.forget()
      payments.forget()
      // The record of a refusal comes a moment after its answer; once this one is there, so are all before it.
      starts += 1
      const marker = `/start-over-${starts}`
      const last = rawClient(proxy.port, wishes.tls === undefined ? 'tcp' : 'tls')
      last.send(`GET ${marker} HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n`)
      await until(async () => {
        const text = await readFile(auditFile, 'utf8')
        if (!text.includes(`"${marker}"`)) return false
        const before = mark
        mark = Buffer.byteLength(text)
        if (mark !== before) return false
        const idsOf = (kind: string) => [
          ...text.matchAll(new RegExp(`"kind":"${kind}","at":\\d+,"id":"([^"]+)"`, 'g')),
        ]
        const closed = new Set(idsOf('closed').map(([, id]) => id))
        return idsOf('admitted').every(([, id]) => closed.has(id))
      }, 'everything admitted to be closed')
      last.end()
    },
    /** The audit records since `startOver`, once there are so many of them (of these kinds). */
    records: async (
      count: number,
      kinds: readonly string[] = ['refused', 'admitted', 'closed'],
    ): Promise<AuditRecord[]> => {
      let found: AuditRecord[] = []
      await until(
        async () => {
          found = (await readAudit()).filter(({ kind }) => kinds.includes(kind))
          return found.length >= count
        },
        `${count} audit records (${kinds.join(', ')})`,
      )
      return found
    },
    readAudit,
    /** The usage of a grant as last reported. It is, together with the confirmation of its end. */
    usageOf: async ({ id }: Grant): Promise<Usage | undefined> => {
      const entries = await admin.xrange(names.reports, '-', '+')
      const last = entries
        .flatMap(([, fields]) => readReports(fields))
        .findLast((report) => report.kind === 'usage' && report.grant === id)
      return last?.kind === 'usage' ? last.usage : undefined
    },

    client: (): RawClient => {
      const client = rawClient(proxy.port, wishes.tls === undefined ? 'tcp' : 'tls')
      clients.add(client)
      return client
    },
    /** The bytes of an ordinary request. */
    request: async (
      name: PersonName,
      method = 'GET',
      target = '/v1/orders',
      more: readonly string[] = [],
      body = '',
    ): Promise<string> =>
      [
        `${method} ${target} HTTP/1.1`,
        `Host: orders-svc.${domain}`,
        `Authorization: Bearer ${await it.token(name)}`,
        ...more,
        '',
        body,
      ].join('\r\n'),

    /** The bytes of the opening handshake of a WebSocket. */
    handshake: async (
      name: PersonName,
      target = '/live',
      {
        without = [],
        more = [],
      }: { readonly without?: readonly string[]; readonly more?: readonly string[] } = {},
    ): Promise<string> =>
      it.request(name, 'GET', target, [
        ...handshakeHeaders.filter((header) => !without.includes(header.split(':')[0] ?? '')),
        ...more,
      ]),
    /** A real client of a WebSocket, not waited for. */
    webSocket: async (name: PersonName, target = '/live'): Promise<WebSocketClient> => {
      const client = webSocketClient(`ws://127.0.0.1:${proxy.port}${target}`, {
        Host: `orders-svc.${domain}`,
        Authorization: `Bearer ${await it.token(name)}`,
      })
      clients.add(client)
      return client
    },

    /** Drains the proxy, as SIGTERM does. */
    drainProxy: proxy.drain,
    /** Stops the proxy alone, as SIGINT does. */
    stopProxy: (): Promise<void> => proxy.stop(),
    stop: async (): Promise<void> => {
      for (const client of clients) client.end()
      orders.forget()
      payments.forget()
      await proxy.stop().catch(() => undefined)
      prompt.disconnect()
      patient.disconnect()
      await bot?.stop()
      bot?.disconnect()
      await idp.close().catch(() => undefined)
      await orders.close()
      await payments.close()
      admin.disconnect()
      process.off('uncaughtExceptionMonitor', onFault)
      await rm(folder, { recursive: true, force: true })
    },
  }
  return it
}
export type ProxyUnderTest = Awaited<ReturnType<typeof startProxyForTest>>

/** The `number`-th grant of a test: an hour for the orders service, as a bot gives it. */
export const aRequestedGrant = (
  { environment, hash }: Pick<RuleSet, 'environment' | 'hash'>,
  issuer: string,
  name: PersonName,
  number: number,
  now: number,
): Grant => ({
  id: grantIdFromFacts(['test', String(number)]),
  version: 1,
  environment,
  state: 'active',
  step: 'given',
  who: { issuer, subject: people[name].subject, name: people[name].fullName },
  services: ['orders-svc'],
  tier: 'operate',
  from: now,
  until: now + 3_600_000,
  duration: 3_600_000,
  why: { kind: 'request', rule: 'on_request[0]', reason: 'stuck orders' },
  nonce: randomBytes(16).toString('base64url'),
  rules: hash,
  at: now,
})

/** The key and the answer to it are those of RFC 6455 1.3. */
export const handshakeHeaders = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
export const handshakeAccept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** What a bot does for a proxy: it gives and ends grants, signs the heads, and reads the receipts. */
export const startBotPart = async (redisUrl: string, keyFolder: string, environment: string) => {
  const quiet = (): void => undefined
  const statements = createStatements(await loadKeys(join(keyFolder, 'bot'), 'bot', environment))
  const prompt = connectPatient(redisUrl, quiet)
  await until(() => prompt.status === 'ready', 'Redis')
  await prepareStore(prompt, 'test')
  const clock = createClock()
  const view = createView()
  const follower = followView(
    { prompt, patient: connectPatient(redisUrl, quiet), view, statements, clock, heads: 'optional' },
    {
      alarm: quiet,
      given: (held) => void follower.prove(held),
    },
  )
  await until(view.ready, 'the bot to be in step')
  const heads = signHeads({
    redis: prompt,
    view,
    statements,
    clock,
    instance: 'bot-of-the-test',
    environment,
    epoch: follower.epoch,
    inTouch: () => true,
    newEpoch: () => 'test',
    alarm: quiet,
  })
  const reports = followReceipts(prompt, connectPatient(redisUrl, quiet), statements, 900_000, quiet)
  let stopped = false
  return {
    store: createGrantStore(prompt, statements, clock),
    statements,
    locks: createLockStore(prompt, statements),
    receipts: reports.receipts,
    stop: async (): Promise<void> => {
      if (stopped) return
      stopped = true
      await heads.stop()
      await follower.stop()
      await reports.stop()
    },
    disconnect: (): void => prompt.disconnect(),
  }
}

/** The sequence number that a follower has reached: it names it in each of its blocking reads. */
const watchSequence = (patient: Redis): (() => number) => {
  let reached = -1
  const call = patient.call.bind(patient) as (...parts: unknown[]) => Promise<unknown>
  const watched = (...parts: unknown[]): Promise<unknown> => {
    if (parts[0] === 'XREAD') reached = Number.parseInt(String(parts.at(-2)), 10)
    return call(...parts)
  }
  Object.assign(patient, { call: watched })
  return () => reached
}
