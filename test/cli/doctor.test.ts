import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { UnrecoverableError, Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { loadKeys } from '#access/adapters/keys.ts'
import { neededEvents } from '#access/adapters/pagerduty/subscriptions.ts'
import { openQueue, queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { names } from '#access/adapters/redis/names.ts'
import { writeReports } from '#access/adapters/redis/reports.ts'
import { sealOf } from '#access/adapters/seal.ts'
import { createSealKey, readSealKey } from '#access/adapters/seal-keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Report } from '#access/domain/report.ts'
import { createClock } from '#access/runtime/clock.ts'
import { signDirectory } from '#access/runtime/directory.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { diagnose } from '#cli/doctor/diagnose.ts'
import { examine, type Line, ok } from '#cli/doctor/examine.ts'
import { redisTime } from '#cli/doctor/redis-time.ts'
import { reportOf } from '#cli/doctor/report.ts'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import {
  type Ports,
  type Prepared,
  partEnvironment,
  placeNames,
  prepareFolder,
} from '#infra/sandbox/stack.ts'
import { createWorld, type World } from '#infra/sandbox/world.ts'
import { aFolder, aPerson, freshDatabase, minute, until } from '../builders.ts'
import { worldOptions } from '../infra/sandbox/a-world.ts'
import { pagepass } from './run-cli.ts'

let folder: string
let remove: () => Promise<void>
let prepared: Prepared
let world: World
let database: Awaited<ReturnType<typeof freshDatabase>>
const closing: (() => unknown)[] = []

beforeAll(async () => {
  ;({ folder, remove } = await aFolder())
  const ports = Object.fromEntries(placeNames.map((name, index) => [name, 1 + index])) as Ports
  prepared = await prepareFolder(join(folder, 'data'), ports)
  world = await createWorld({
    ...worldOptions('http://127.0.0.1:1', folder),
    slackBotToken: prepared.secrets.slackBotToken,
    pagerdutyToken: prepared.secrets.pagerdutyToken,
  })
  database = await freshDatabase(inject('redisUrl'), 39)
})
beforeEach(() => database.redis.flushdb())
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  world.slack.mend()
  world.pagerduty.mend()
})
afterAll(async () => {
  database.close()
  await world.close()
  await remove()
})

const environment = (changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...partEnvironment('bot', prepared, database.url),
  SLACK_API_URL: `${world.urls.slack}/api/`,
  PAGERDUTY_API_URL: world.urls.pagerduty,
  PAGERDUTY_FROM: 'pagepass@sandbox.example',
  ...changes,
})
const look = (changes: NodeJS.ProcessEnv = {}, retry = false): Promise<Line[]> =>
  diagnose(environment(changes), { clock: createClock(), retry })
const of = (lines: readonly Line[], check: string): Omit<Line, 'check'>[] =>
  lines.filter((line) => line.check === check).map(({ check: _, ...rest }) => rest)
const lookAt = async (check: string, changes: NodeJS.ProcessEnv = {}) => of(await look(changes), check)

const fileOf = async (name: string, text: string): Promise<string> => {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}
const rulesWith = async (name: string, change: (text: string) => string): Promise<string> =>
  fileOf(name, change(await readFile(prepared.rules, 'utf8')))

type Reply = { readonly body: object; readonly headers?: Readonly<Record<string, string>> }
/** An API of JSON, by path; what it has no answer for it never answers. */
const anApi = async (replies: Readonly<Record<string, Reply>>): Promise<string> => {
  const server = createServer((request, response) => {
    const reply = replies[(request.url ?? '').split('?')[0] ?? '']
    if (reply === undefined) return
    response.writeHead(200, { 'content-type': 'application/json', ...reply.headers })
    response.end(JSON.stringify(reply.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** As a proxy does. */
const report = async (reports: readonly Report[]): Promise<void> =>
  writeReports(
    database.redis,
    createStatements(await loadKeys(join(prepared.keys, 'proxy'), 'proxy', 'sandbox')),
    'sandbox',
    reports,
  )

/** A bot as far as grants and heads go, and a proxy as far as its reports do. */
const aliveFleet = async (): Promise<void> => {
  const grants = await keepGrants({
    prompt: database.redis,
    patient: database.connect(),
    keys: await loadKeys(join(prepared.keys, 'bot'), 'bot', 'sandbox'),
    clock: createClock(),
    instance: 'bot-1',
    alarm: () => undefined,
  })
  closing.push(grants.stop)
  await until(async () => (await database.redis.xlen(names.heads)) > 0, 'a head is signed')
  await report([
    { kind: 'alive', proxy: 'proxy-b', boot: '2' },
    { kind: 'alive', proxy: 'proxy-a', boot: '1' },
    { kind: 'alive', proxy: 'proxy-c', boot: '3' },
    { kind: 'gone', proxy: 'proxy-c', boot: '3' },
  ])
}

/** Every check has a second or a few: one that a busy machine was too late for is made again. */
const inTime = { retry: 3 }

const checks = [
  'configuration',
  'rules',
  'keys',
  'directory',
  'redis',
  'heads',
  'proxies',
  'dead letters',
  'slack',
  'pagerduty',
  'webhooks',
  'sender',
]

test('A stack that is well: every check says what it found', inTime, async () => {
  await aliveFleet()
  const lines = await look()
  expect(lines.map(({ check, state }) => [check, state])).toEqual(checks.map((check) => [check, 'ok']))
  const {
    rules: { hash },
  } = await loadRules(prepared.rules)
  const said = Object.fromEntries(lines.map(({ check, what }) => [check, what]))
  expect(said).toMatchObject({
    configuration: 'mode sandbox, instance sandbox',
    rules: `${prepared.rules}, environment sandbox, hash ${hash.slice(0, 12)}…`,
    keys: `issue, end, head in ${join(prepared.keys, 'bot')}`,
    heads: 'signed now, 0 live passes',
    proxies: '2 proxies report: proxy-a, proxy-b',
    'dead letters': 'none',
    slack: 'Sandbox (T0SANDBOX) as pagepass (U0PAGEPASS)',
    pagerduty: `${new URL(world.urls.pagerduty).host} takes the token`,
    webhooks: 'PWEBHOOK delivers all that is needed to http://127.0.0.1:1/pagerduty/webhooks',
    sender: 'pagepass@sandbox.example is a user',
  })
  expect(said['directory']).toMatch(/^4 people, 4 with Slack, 4 with PagerDuty, signed \w+ ago$/)
  expect(said['redis']).toMatch(/^version \S+ answers in (?:under )?\d+ ms, noeviction, append-only$/)
})

describe('The configuration', inTime, () => {
  test('names every fault at once, and what can be checked without them is', async () => {
    const lines = await look({ SLACK_SIGNING_SECRET: '', PAGEPASS_INSTANCE: 'Bot 1' })
    expect(of(lines, 'configuration')).toEqual([
      {
        state: 'fail',
        what: expect.stringMatching(
          /PAGEPASS_INSTANCE: use lower-case.*\n.*SLACK_SIGNING_SECRET: is missing/,
        ),
        mend: 'see .env.example for what each variable is',
      },
    ])
    for (const check of ['rules', 'keys', 'directory', 'redis', 'slack', 'pagerduty', 'webhooks'])
      expect(of(lines, check)).toMatchObject([{ state: 'ok' }])
  })

  test('that names no address is no reason to stop either', async () => {
    const lines = await look({ REDIS_URL: '', SLACK_BOT_TOKEN: '' })
    expect(of(lines, 'redis')).toEqual([{ state: 'warn', what: 'not checked: REDIS_URL: is missing' }])
    expect(of(lines, 'heads')).toEqual([{ state: 'warn', what: 'not checked: mend redis first' }])
    expect(of(lines, 'slack')).toEqual([{ state: 'warn', what: 'not checked: SLACK_BOT_TOKEN: is missing' }])
  })

  test('of production sends no secret where a bot would not', async () => {
    let asked = 0
    const server = createTcpServer(() => void asked++)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const at = `127.0.0.1:${(server.address() as AddressInfo).port}`
    // Another fault beside them, so that the mode's rules are not reached for the whole.
    const lines = await look({
      PAGEPASS_MODE: '',
      PAGEPASS_INSTANCE: '',
      SLACK_API_URL: `https://${at}/api/`,
      PAGERDUTY_API_URL: `http://${at}`,
      REDIS_URL: `redis://${at}`,
    })
    expect(asked).toBe(0)
    expect(of(lines, 'slack')).toMatchObject([
      { what: 'not checked: SLACK_API_URL: must be one of slack.com' },
    ])
    expect(of(lines, 'pagerduty')[0]?.what).toContain(
      'not checked: PAGERDUTY_API_URL: production needs https',
    )
    expect(of(lines, 'redis')).toMatchObject([
      { what: 'not checked: REDIS_URL: production needs a Redis with a password' },
    ])
  })

  test('of production wants TLS to a Redis elsewhere', async () => {
    const [finding] = await lookAt('redis', { PAGEPASS_MODE: '', REDIS_URL: 'redis://:p@redis.example:6379' })
    expect(finding).toEqual({
      state: 'warn',
      what: 'not checked: REDIS_URL: production needs TLS (rediss://)',
    })
  })
})

describe('Rules, keys and directory', inTime, () => {
  test('faults of the rules are named with line and column', async () => {
    const file = await rulesWith('wrong.yaml', (text) => text.replace('serve: blue', 'serve: gren'))
    const lines = await look({ PAGEPASS_RULES: file })
    expect(of(lines, 'rules')).toEqual([
      {
        state: 'fail',
        what: expect.stringMatching(/wrong\.yaml:\d+:\d+ unknown release "gren"/),
        mend: expect.stringContaining('pagepass rules check'),
      },
    ])
    expect(of(lines, 'keys')).toEqual([{ state: 'warn', what: 'not checked: mend rules first' }])
    expect(of(lines, 'directory')).toEqual([{ state: 'warn', what: 'not checked: mend rules first' }])
  })

  test('of production, the rules tell who sealed them, or that nobody did', async () => {
    const plain = await readFile(prepared.rules, 'utf8')
    const text = plain.replace(/issuer: [^\s,}]+/, 'issuer: https://idp.example.com')
    const key = join(folder, 'alice')
    await mkdir(join(folder, 'sealed'))
    const sealed = await fileOf('sealed/access.yaml', text)
    const unsealed = await fileOf('sealed/unsealed.yaml', text)
    await createSealKey(key, 'alice')
    const { rules } = await loadRules(sealed)
    const { environment: name, hash } = rules
    const said = { rules: hash, environment: name, author: 'ana', at: createClock().now() }
    await fileOf('sealed/access.yaml.seal', await sealOf(said, await readSealKey(key)))
    const production = {
      PAGEPASS_MODE: '',
      REDIS_URL: 'rediss://:password@127.0.0.1:1',
      SLACK_API_URL: '',
      PAGERDUTY_API_URL: '',
      SLACK_BOT_TOKEN: '',
      PAGERDUTY_TOKEN: '',
      PAGEPASS_RULES_KEYS: `${key}.pub`,
    }
    expect(await lookAt('rules', { ...production, PAGEPASS_RULES: sealed })).toEqual([
      {
        state: 'ok',
        what: `${sealed}, environment sandbox, hash ${hash.slice(0, 12)}…, sealed by alice`,
      },
    ])
    expect(await lookAt('rules', { ...production, PAGEPASS_RULES: unsealed })).toMatchObject([
      { state: 'fail', what: expect.stringContaining(`the rule set ${unsealed} is not sealed`) },
    ])
  })

  test('keys that are missing, forbidden or of another environment', async () => {
    expect(await lookAt('keys', { PAGEPASS_KEYS: join(prepared.keys, 'workers') })).toMatchObject([
      { state: 'fail', what: expect.stringContaining('are missing') },
    ])
    const crowded = join(folder, 'crowded')
    await cp(join(prepared.keys, 'bot'), crowded, { recursive: true })
    await cp(
      join(prepared.keys, 'offline', 'directory.private.json'),
      join(crowded, 'directory.private.json'),
    )
    expect(await lookAt('keys', { PAGEPASS_KEYS: crowded })).toMatchObject([
      { state: 'fail', what: expect.stringContaining('must not hold the private key of role "directory"') },
    ])
    const staging = await rulesWith('staging.yaml', (text) =>
      text.replace('environment: sandbox', 'environment: staging'),
    )
    expect(await lookAt('keys', { PAGEPASS_RULES: staging })).toMatchObject([
      { state: 'fail', what: expect.stringContaining('the rule set is of "staging"') },
    ])
  })

  test('a directory that was altered, or is not there', async () => {
    const [header, , signature] = (await readFile(prepared.directory, 'utf8')).trim().split('.')
    const body = Buffer.from(JSON.stringify({ environment: 'sandbox', asOf: 1, people: [] })).toString(
      'base64url',
    )
    const altered = await fileOf('altered.jws', `${header}.${body}.${signature}`)
    expect(await lookAt('directory', { PAGEPASS_DIRECTORY: altered })).toMatchObject([
      { state: 'fail', what: expect.stringContaining('a directory statement does not hold') },
    ])
    expect(await lookAt('directory', { PAGEPASS_DIRECTORY: join(folder, 'none.jws') })).toMatchObject([
      { state: 'fail', mend: 'sign one with: pagepass directory sign' },
    ])
  })

  test('those who should approve or own, and whom nobody is', async () => {
    const { issuer } = (await loadRules(prepared.rules)).rules.identity
    const statements = createStatements(await loadKeys(join(prepared.keys, 'offline'), 'offline', 'sandbox'))
    const { slack: _, ...cho } = aPerson({
      issuer,
      subject: 'cho',
      name: 'Cho Park',
      pagerduty: { account: 'sandbox', user: 'PUCHO01' },
    })
    const ben = aPerson({
      issuer,
      subject: 'ben',
      name: 'Ben Okafor',
      groups: ['sre'],
      active: false,
      slack: { team: 'T0SANDBOX', user: 'U0BEN' },
      pagerduty: { account: 'sandbox', user: 'PUBEN01' },
    })
    const signed = await signDirectory(
      [aPerson({ issuer }), cho, ben],
      statements,
      'sandbox',
      Date.now() - 125 * minute,
    )
    const file = await fileOf('lacking.jws', signed)
    const [facts, ...lacks] = await lookAt('directory', { PAGEPASS_DIRECTORY: file })
    expect(facts).toEqual({
      state: 'ok',
      what: '3 people, 2 with Slack, 3 with PagerDuty, signed 2h5m ago',
    })
    expect(lacks).toEqual([
      {
        state: 'warn',
        what: 'nobody belongs to "sre" (sre), who should approve admin of orders-svc, approve admin of payments-svc',
        mend: expect.stringContaining('sign a directory'),
      },
    ])
  })
})

describe('Redis', inTime, () => {
  test('that is not there, and one that says nothing', async () => {
    const silent = createTcpServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    closing.push(() => silent.close())
    const { port } = silent.address() as AddressInfo
    const [gone, mute] = await Promise.all([
      look({ REDIS_URL: 'redis://127.0.0.1:1' }),
      look({ REDIS_URL: `redis://127.0.0.1:${port}` }),
    ])
    expect(of(gone, 'redis')).toEqual([
      {
        state: 'fail',
        what: 'Redis did not answer within 1 s: connect ECONNREFUSED 127.0.0.1:1',
        mend: 'start Redis, or set REDIS_URL to where it is',
      },
    ])
    expect(of(mute, 'redis')).toMatchObject([{ state: 'fail', what: expect.stringContaining('within 1 s') }])
    for (const check of ['heads', 'proxies', 'dead letters'])
      expect(of(gone, check)).toEqual([{ state: 'warn', what: 'not checked: mend redis first' }])
    expect(of(gone, 'slack')).toMatchObject([{ state: 'ok' }])
  })

  test('that refuses the password, which is not shown', async () => {
    const wrong = new URL(database.url)
    wrong.password = 'a-wrong-password'
    const lines = await look({ REDIS_URL: wrong.href })
    expect(of(lines, 'redis')).toMatchObject([
      {
        state: 'fail',
        what: expect.stringContaining('WRONGPASS'),
        mend: 'put the right user and password into REDIS_URL',
      },
    ])
    expect(JSON.stringify(lines)).not.toContain('a-wrong-password')
  })

  test('that drops keys, and keeps no file', async () => {
    const { folder: own, remove: removeOwn } = await aFolder()
    const redis = await ensureRedis({ folder: own })
    closing.push(removeOwn, redis.stop)
    const { redis: admin, close } = await freshDatabase(redis.url, 0)
    closing.push(close)
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await admin.config('SET', 'appendonly', 'no')
    const lines = await look({ REDIS_URL: redis.url })
    expect(of(lines, 'redis')).toEqual([
      { state: 'ok', what: expect.stringMatching(/answers in (?:under )?\d+ ms$/) },
      {
        state: 'fail',
        what: 'Redis evicts keys (maxmemory-policy allkeys-lru), so grants could vanish',
        mend: 'set maxmemory-policy noeviction',
      },
      { state: 'warn', what: expect.stringContaining('append-only file is off'), mend: 'set appendonly yes' },
    ])
    expect(of(lines, 'dead letters')).toEqual([{ state: 'ok', what: 'none' }])
  })

  test('in which nobody signs, whose heads are old, from ahead, or another’s', async () => {
    expect(await lookAt('heads')).toMatchObject([{ state: 'warn', what: 'nobody has signed a head yet' }])
    const keys = await loadKeys(join(prepared.keys, 'workers'), 'workers', 'sandbox')
    const head = async (awayMs: number): Promise<string> =>
      createStatements(keys).sign('head', {
        environment: 'sandbox',
        at: (await redisTime(database.redis)) + awayMs,
        epoch: 'e',
        sequence: 0,
        count: 1,
        set: '',
      })
    const withHead = async (statement: string) => {
      await database.redis.xadd(names.heads, '*', 'statement', statement)
      return lookAt('heads')
    }
    expect(await withHead(await head(-61 * minute))).toMatchObject([
      { state: 'fail', what: expect.stringMatching(/^the newest is 1h1m\w* old: proxies close$/) },
    ])
    expect(await withHead(await head(61 * minute))).toMatchObject([
      { state: 'fail', what: expect.stringContaining('the clocks differ') },
    ])
    expect(await withHead(`${await head(0)}x`)).toMatchObject([
      { state: 'fail', what: expect.stringContaining('a head statement does not hold') },
    ])
  })

  test('to which no proxy reports any more', async () => {
    const old = (await redisTime(database.redis)) - minute
    await report([{ kind: 'alive', proxy: 'proxy-a', boot: '1' }])
    const [[, fields] = ['', []]] = await database.redis.xrange(names.reports, '-', '+')
    await database.redis.del(names.reports)
    await database.redis.xadd(names.reports, old, ...fields)
    expect(await lookAt('proxies')).toMatchObject([{ state: 'warn', what: 'no proxy reports' }])
  })
})

describe('While proxies are replaced', inTime, () => {
  const [old, next] = ['a'.repeat(64), 'b'.repeat(64)] as const
  const alive = (proxy: string, rules: string, draining: boolean) =>
    ({ kind: 'alive', proxy, boot: proxy, rules, draining }) as const

  test('both rule sets are told, and which is on its way out', async () => {
    await report([
      alive('proxy-a', old, false),
      alive('proxy-b', next, false),
      alive('proxy-a', old, true),
      { kind: 'confirmed', proxy: 'proxy-a', boot: 'proxy-a', sequence: 1, cut: 0 },
    ])
    expect(await lookAt('proxies')).toEqual([
      {
        state: 'ok',
        what: '2 proxies report: proxy-a (rules aaaaaaaaaaaa, draining), proxy-b (rules bbbbbbbbbbbb)',
      },
    ])
  })

  test('two that take new connections by different rules are a warning', async () => {
    await report([alive('proxy-a', old, false), alive('proxy-b', next, false)])
    expect(await lookAt('proxies')).toMatchObject([
      {
        state: 'warn',
        what: expect.stringContaining('proxies that take new connections decide by different rule sets'),
        mend: expect.stringContaining('SIGTERM'),
      },
    ])
  })

  test('one rule set is told once', async () => {
    await report([alive('proxy-a', old, true), alive('proxy-b', old, false)])
    expect(await lookAt('proxies')).toEqual([
      { state: 'ok', what: '2 proxies report: proxy-a (draining), proxy-b; rules aaaaaaaaaaaa' },
    ])
  })
})

/** Fails so many jobs for good. */
const failJobs = async (why: (id: string) => string, ids: readonly string[]): Promise<void> => {
  const queue = openQueue(queueNames.messages, database.redis)
  await queue.addBulk(ids.map((id) => ({ name: 'given', data: {}, opts: { jobId: id } })))
  const worker = new Worker(
    queueNames.messages,
    async ({ id = '' }) => {
      throw new UnrecoverableError(why(id))
    },
    { connection: database.connect(), prefix: queuePrefix },
  )
  await until(async () => (await queue.getFailedCount()) === ids.length, 'all have failed')
  await worker.close()
  await queue.close()
}

describe('Dead letters', inTime, () => {
  test('ten are shown, on one line each, and all are counted', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `job-${index}`)
    await failJobs((id) => `${id} refused:\n\u001b[31mchannel_not_found ${'x'.repeat(500)}`, ids)
    const [finding, ...others] = await lookAt('dead letters')
    expect(others).toEqual([])
    expect(finding).toMatchObject({ state: 'warn', mend: 'mend the cause, then: pagepass doctor --retry' })
    const [first, ...rest] = finding?.what.split('\n') ?? []
    expect(first).toBe('12 jobs are tried no more')
    expect(rest).toHaveLength(11)
    expect(rest[0]).toMatch(/^messages job-\d+, \d+\w+ ago: job-\d+ refused: \[31mchannel_not_found x+…$/)
    expect(rest.every((line) => line.length < 260)).toBe(true)
    expect(rest.at(-1)).toBe('and 2 more')
  })

  test('are put back with --retry, which says how many', async () => {
    await failJobs((id) => `refused ${id}`, ['one', 'two'])
    expect(of(await look({}, true), 'dead letters')).toMatchObject([
      { state: 'ok', what: expect.stringMatching(/^2 put back/) },
    ])
    const queue = openQueue(queueNames.messages, database.redis)
    closing.push(() => queue.close())
    expect(await queue.getJobCounts('failed', 'waiting')).toEqual({ failed: 0, waiting: 2 })
    expect(of(await look({}, true), 'dead letters')).toEqual([{ state: 'ok', what: 'none to put back' }])
  })

  test('stay where they are without it, and tell no secret', async () => {
    const secret = prepared.secrets.pagerdutyToken
    await failJobs(() => `refused ${secret} at https://user:word@example.com/ with xoxb-12345678`, ['one'])
    const [finding] = await lookAt('dead letters')
    expect(finding?.what).toContain('refused [secret] at https://[secret]@example.com/ with [secret]')
    expect(await lookAt('dead letters')).toMatchObject([{ state: 'warn' }])
  })
})

const authTest = { ok: true, team: 'Acme', team_id: 'T1', user: 'pagepass', user_id: 'U1' }

describe('The Slack token', inTime, () => {
  test('that Slack refuses', async () => {
    expect(await lookAt('slack', { SLACK_BOT_TOKEN: 'xoxb-of-somebody-else' })).toEqual([
      {
        state: 'fail',
        what: 'Slack refused the token: invalid_auth',
        mend: expect.stringContaining('SLACK_BOT_TOKEN'),
      },
    ])
  })

  test('that lacks scopes, each of which is named', async () => {
    const url = await anApi({
      '/api/auth.test': { body: authTest, headers: { 'x-oauth-scopes': 'users:read, commands' } },
    })
    expect(await lookAt('slack', { SLACK_API_URL: `${url}/api/` })).toEqual([
      { state: 'ok', what: 'Acme (T1) as pagepass (U1)' },
      {
        state: 'fail',
        what: 'the token lacks 3 scopes: chat:write, im:write, usergroups:read',
        mend: 'add chat:write, im:write, usergroups:read to the app (OAuth & Permissions, Bot Token Scopes), and install it again',
      },
    ])
  })

  test('about whose scopes nothing is said', async () => {
    const url = await anApi({ '/api/auth.test': { body: authTest } })
    expect(await lookAt('slack', { SLACK_API_URL: `${url}/api/` })).toMatchObject([
      { state: 'ok' },
      { state: 'warn', what: 'Slack did not say what the token may do' },
    ])
  })

  test.each([
    ['429', 'Slack has had too many calls of this app', 'try again in 7 s'],
    ['500', 'Slack did not answer: An HTTP protocol error occurred: statusCode = 500', 'slack-status.com'],
    ['timeout', 'Slack did not answer within 2.8 s', 'slack-status.com'],
  ] as const)('when Slack is unwell: %s', async (kind, what, mend) => {
    world.slack.fail({ kind, count: 1, retryAfter: 7 })
    expect(await lookAt('slack')).toEqual([{ state: 'fail', what, mend: expect.stringContaining(mend) }])
  })

  test('when nobody is there', async () => {
    expect(await lookAt('slack', { SLACK_API_URL: 'http://127.0.0.1:1/api/' })).toMatchObject([
      { state: 'fail', what: expect.stringMatching(/^Slack did not answer: (?!.*fetch failed)/) },
    ])
  })
})

const aSubscription = (changes: object = {}, delivery: object = {}) => ({
  id: 'PSUB1',
  active: true,
  events: neededEvents,
  delivery_method: {
    url: 'https://bot:word@bot.example/pagerduty/webhooks?key=hush',
    temporarily_disabled: false,
    ...delivery,
  },
  ...changes,
})
const lookAtSubscriptions = async (...subscriptions: object[]) => {
  const PAGERDUTY_API_URL = await anApi({
    '/abilities': { body: { abilities: [] } },
    '/webhook_subscriptions': { body: { webhook_subscriptions: subscriptions, more: false } },
    '/users': { body: { users: [] } },
  })
  return lookAt('webhooks', { PAGERDUTY_API_URL })
}

describe('PagerDuty', inTime, () => {
  test('refuses the token: nothing more is asked', async () => {
    const lines = await look({ PAGERDUTY_TOKEN: 'of-somebody-else' })
    expect(of(lines, 'pagerduty')).toEqual([
      {
        state: 'fail',
        what: 'PagerDuty answered 401 to GET /abilities',
        mend: expect.stringContaining('PAGERDUTY_TOKEN'),
      },
    ])
    for (const check of ['webhooks', 'sender'])
      expect(of(lines, check)).toEqual([{ state: 'warn', what: 'not checked: mend pagerduty first' }])
  })

  test('does not answer: the others do', async () => {
    world.pagerduty.fail({ kind: 'timeout' })
    const lines = await look()
    expect(of(lines, 'pagerduty')).toEqual([
      {
        state: 'fail',
        what: 'PagerDuty did not answer within 2.8 s',
        mend: expect.stringContaining('status.pagerduty.com'),
      },
    ])
    expect(of(lines, 'slack')).toMatchObject([{ state: 'ok' }])
  })

  test('has no subscription for the bot', async () => {
    expect(await lookAtSubscriptions(aSubscription({}, { url: 'https://elsewhere.example/hook' }))).toEqual([
      {
        state: 'fail',
        what: 'no subscription delivers to an address that ends in /pagerduty/webhooks',
        mend: expect.stringContaining('Generic Webhooks'),
      },
    ])
  })

  test('has one that lacks events, is off and disabled: each with its mend', async () => {
    const events = neededEvents.filter((event) => !/delegated|replied/.test(event))
    const found = await lookAtSubscriptions(
      aSubscription({ active: false, events }, { temporarily_disabled: true }),
    )
    const at = 'PSUB1 to https://bot.example/pagerduty/webhooks'
    expect(found).toEqual([
      { state: 'fail', what: `${at} is switched off`, mend: expect.stringContaining('enable it') },
      {
        state: 'fail',
        what: `${at} is disabled for a day, as deliveries were refused`,
        mend: expect.stringContaining('POST /webhook_subscriptions/PSUB1/enable'),
      },
      {
        state: 'fail',
        what: `${at} lacks 2 event types: incident.delegated, incident.responder.replied`,
        mend: 'add these event types to the subscription',
      },
    ])
  })

  test('has a good one beside one that is not: a warning', async () => {
    const found = await lookAtSubscriptions(aSubscription(), aSubscription({ id: 'PSUB2', active: false }))
    expect(found).toMatchObject([
      { state: 'ok', what: 'PSUB1 delivers all that is needed to https://bot.example/pagerduty/webhooks' },
      { state: 'warn', what: 'PSUB2 to https://bot.example/pagerduty/webhooks is switched off' },
    ])
  })

  test('knows nobody with the e-mail in whose name notes are added', async () => {
    expect(await lookAt('sender', { PAGERDUTY_FROM: 'page@sandbox.example' })).toMatchObject([
      { state: 'fail', what: 'PagerDuty has no user with the e-mail page@sandbox.example' },
    ])
    expect(await lookAt('sender', { PAGERDUTY_FROM: 'no e-mail' })).toMatchObject([
      { state: 'fail', what: expect.stringContaining('PAGERDUTY_FROM') },
    ])
    expect(await lookAt('sender', { PAGERDUTY_FROM: '' })).toEqual([])
  })
})

describe('A check', () => {
  test('that takes too long is a failure, and those that need it are not made', async () => {
    const slow = examine('slow', [], () => new Promise<never>(() => undefined), 10)
    const next = examine('next', [slow.value], async (_: unknown) => ({
      findings: [ok('never')],
      value: undefined,
    }))
    expect(await slow.lines).toEqual([{ check: 'slow', state: 'fail', what: 'no answer within 0.01 s' }])
    expect(await next.lines).toEqual([{ check: 'next', state: 'warn', what: 'not checked: mend slow first' }])
  })
})

describe('The report', () => {
  const lines: Line[] = [
    { check: 'rules', state: 'ok', what: 'sound' },
    { check: 'directory', state: 'warn', what: 'old\nvery old', mend: 'sign it' },
    { check: 'slack', state: 'ok', what: 'here' },
    { check: 'slack', state: 'fail', what: 'lacks', mend: 'add' },
  ]

  test('begins and ends with the verdict, and every line stands under the other', () => {
    expect(reportOf(lines, false)).toBe(`1 of 3 checks failed: slack.

  ✓ ok    rules      sound
  ! warn  directory  old
                     very old
                     → sign it
  ✓ ok    slack      here
  ✗ FAIL  slack      lacks
                     → add

1 of 3 checks failed: slack.
`)
    expect(reportOf(lines.slice(0, 3), false)).toMatch(
      /^Nothing failed: 3 checks\. To look at: directory\.\n/,
    )
    expect(reportOf(lines.slice(0, 1), false)).toMatch(/^All is well: 1 check\.\n/)
  })

  test('has the same words with colours', () => {
    const coloured = reportOf(lines, true)
    expect(coloured).toContain('\u001b[31m✗ FAIL\u001b[39m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a colour is.
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(reportOf(lines, false))
  })
})

describe('pagepass doctor', inTime, () => {
  test('exits with 0 when nothing failed, without colours where there is no terminal', async () => {
    const { code, out, err } = await pagepass(['doctor'], environment())
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(
      /^Nothing failed: 12 checks\. To look at: heads, proxies\.\n\n {2}✓ ok {4}configuration {2}/,
    )
    expect(out).not.toContain('\u001b')
  })

  test('exits with 1 when something did, and prints JSON lines without a secret', async () => {
    const changes = {
      SLACK_BOT_TOKEN: 'xoxb-of-somebody-else',
      REDIS_URL: 'redis://:a-secret-word@127.0.0.1:1',
    }
    const { code, out, err } = await pagepass(['doctor', '--json'], environment(changes))
    expect([code, err]).toEqual([1, ''])
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
    expect(lines.map(({ check }) => check)).toEqual(checks)
    expect(lines.filter(({ state }) => state === 'fail').map(({ check }) => check)).toEqual([
      'redis',
      'slack',
    ])
    const { slackSigningSecret, pagerdutyToken, pagerdutyWebhookSecret } = prepared.secrets
    for (const secret of [
      ...Object.values(changes),
      'a-secret-word',
      slackSigningSecret,
      pagerdutyToken,
      pagerdutyWebhookSecret,
    ])
      expect(out).not.toContain(secret)
  })

  test('puts back dead letters', async () => {
    await failJobs((id) => `refused ${id}`, ['one'])
    const { code, out } = await pagepass(['doctor', '--retry'], environment())
    expect(code).toBe(0)
    expect(out).toContain('1 put back')
  })

  test('explains itself', async () => {
    const { code, out } = await pagepass(['doctor', '--help'])
    expect(code).toBe(0)
    for (const word of ['--json', '--retry', 'environment variables of a bot', 'Exit code'])
      expect(out).toContain(word)
  })
})
