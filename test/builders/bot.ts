import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { expect } from 'vitest'
import { openQueue, type QueueName } from '#access/adapters/queues.ts'
import { connectPatient } from '#access/adapters/redis/connect.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { type ButtonAction, buttonValue } from '#access/domain/button.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { Directory, SignIns } from '#access/ports.ts'
import { startBot } from '#bot/app.ts'
import { readBotConfig } from '#bot/config.ts'
import { createPagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import type { Member } from '#infra/sandbox/slack/members.ts'
import { type SignedRequest, slackSignature } from '#infra/sandbox/slack/signed-request.ts'
import { createSlack } from '#infra/sandbox/slack/slack.ts'
import { startWorkers } from '#workers/app.ts'
import { readWorkersConfig } from '#workers/config.ts'
import { freshKeys, frozenClock, keptLog, minute, rulesOf, until } from '../builders.ts'
import { steadyPort } from '../free-ports.ts'

/** None of these may stand in any log, answer or message. */
export const secrets = {
  botToken: 'xoxb-canary-bot-token',
  signing: 'canary-slack-signing-secret',
  olderSigning: 'canary-slack-signing-secret-before',
  pagerDutyToken: 'canary-pagerduty-token',
  webhook: 'canary-pagerduty-webhook-secret',
  olderWebhook: 'canary-pagerduty-webhook-secret-before',
} as const

/** What every part reads of the environment in the sandbox; nobody is at the vendors' addresses. */
const sandboxEnvironment = (redisUrl: string) => ({
  PAGEPASS_MODE: 'sandbox',
  PAGEPASS_KEYS: 'unused',
  PAGEPASS_DATA_DIR: 'unused',
  PAGEPASS_DIRECTORY: 'unused',
  PAGEPASS_INSTANCE: 'a',
  PAGEPASS_ADMIN_LISTEN: ':0',
  REDIS_URL: redisUrl,
  SLACK_BOT_TOKEN: secrets.botToken,
  SLACK_API_URL: 'http://127.0.0.1:1',
  PAGERDUTY_TOKEN: secrets.pagerDutyToken,
  PAGERDUTY_API_URL: 'http://127.0.0.1:1',
})

/** The environment of a bot in the sandbox, with these secrets and the older ones beside them. */
export const botEnvironment = (redisUrl: string, changes: Readonly<Record<string, string>> = {}) => ({
  ...sandboxEnvironment(redisUrl),
  PAGEPASS_BOT_LISTEN: ':0',
  SLACK_SIGNING_SECRET: `${secrets.signing},${secrets.olderSigning}`,
  PAGERDUTY_WEBHOOK_SECRET: `${secrets.webhook},${secrets.olderWebhook}`,
  ...changes,
})

const issuer = 'http://127.0.0.1:7074'
const formType = 'application/x-www-form-urlencoded'

/** One of the cast as the directory has them. */
export const known = (name: PersonName, changes: Partial<Person> = {}): Person => {
  const { subject, fullName, groups, slack, pagerduty } = people[name]
  return { issuer, subject, name: fullName, groups, active: true, slack, pagerduty, ...changes }
}
/** Whom the directory holds unless a test says otherwise: everybody but Dan. */
export const usualPeople: readonly Person[] = [known('ana'), known('ben'), known('cho'), known('eve')]

export type BotWishes = {
  readonly rules?: RuleSet
  readonly people?: readonly Person[]
  /** Where approvers sign in anew. */
  readonly signIns?: SignIns
  readonly keys?: Awaited<ReturnType<typeof freshKeys>>
  /** Also runs the workers, on the same Redis. */
  readonly workers?: boolean
  /** How often it compares what PagerDuty has with what stands; otherwise once, when it starts. */
  readonly reconcileEveryMs?: number
  /** Where operators are told. */
  readonly alarmChannel?: string
  /** What stands before PagerDuty's API: given its address, says where the bot finds it. */
  readonly beforePagerDuty?: (url: string) => Promise<string>
}

export type Answered = { readonly status: number; readonly text: string }

/** How a request differs from one that Slack would send. */
export type Forging = {
  readonly secret?: string
  /** Milliseconds since the epoch that it says it was signed at. */
  readonly at?: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * The real bot in this process: real HTTP with real signatures, a Redis database of its own, real keys; stand-ins for
 * Slack and PagerDuty. The clock stands still until it is set, for everybody in it.
 */
export const startBotForTest = async (redisUrl: string, database: number, wishes: BotWishes = {}) => {
  const url = new URL(redisUrl)
  url.pathname = `/${database}`
  const redis = new Redis(url.href, { maxRetriesPerRequest: null })
  await redis.flushdb()
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-bot-'))
  const keys = wishes.keys ?? (await freshKeys())
  const clock = frozenClock()
  const port = await steadyPort()
  const address = `http://127.0.0.1:${port}`
  const slack = createSlack({
    botToken: secrets.botToken,
    signingSecret: secrets.signing,
    bot: { eventsUrl: `${address}/slack/events` },
    now: clock.now,
  })
  await slack.listen(0)
  const pagerDuty = createPagerDuty({
    token: secrets.pagerDutyToken,
    webhook: { url: `${address}/pagerduty/webhooks`, secret: secrets.webhook },
    now: clock.now,
  })
  const { url: standIn } = await pagerDuty.listen(0)
  const pagerDutyUrl = (await wishes.beforePagerDuty?.(standIn)) ?? standIn

  let directory = directoryOf(wishes.people ?? usualPeople)
  const directoryNow: Directory = {
    bySlack: (...key) => directory.bySlack(...key),
    byPagerDuty: (user) => directory.byPagerDuty(user),
    byPrincipal: (principal) => directory.byPrincipal(principal),
    activeWhere: (is) => directory.activeWhere(is),
  }
  const { log, lines } = keptLog()
  const faults: unknown[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  process.on('uncaughtExceptionMonitor', onFault)
  process.on('unhandledRejection', onFault)

  const apis = { SLACK_API_URL: slack.apiUrl(), PAGERDUTY_API_URL: pagerDutyUrl }
  const open: Redis[] = []
  const quiet = (): void => undefined
  const kept = (one: Redis): Redis => {
    open.push(one)
    return one
  }
  const connections = () => ({
    // Without the limit of a second on each command: here everybody runs in one process, which may stand still longer.
    prompt: kept(connectPatient(url.href, quiet)),
    patient: () => kept(connectPatient(url.href, quiet)),
  })
  const begin = async (rules: RuleSet) => {
    const bot = await startBot({
      config: readBotConfig(
        botEnvironment(url.href, {
          ...apis,
          PAGEPASS_BOT_LISTEN: `:${port}`,
          ...(wishes.alarmChannel === undefined ? {} : { SLACK_ALARM_CHANNEL: wishes.alarmChannel }),
        }),
      ),
      reconcileEveryMs: wishes.reconcileEveryMs ?? Number.POSITIVE_INFINITY,
      rules,
      keys: keys.bot,
      directory: directoryNow,
      signIns: wishes.signIns,
      clock,
      log,
      ...connections(),
    })
    await until(() => bot.waitingFor().length === 0, 'the bot to be in step')
    return bot
  }
  let rules = wishes.rules ?? rulesOf()
  let bot = await begin(rules)
  const workers =
    wishes.workers === true
      ? await startWorkers({
          config: readWorkersConfig({
            ...sandboxEnvironment(url.href),
            ...apis,
            PAGERDUTY_FROM: 'pagepass@sandbox.example',
          }),
          rules,
          keys: keys.workers,
          directory: directoryNow,
          clock,
          log,
          auditFolder: folder,
          reconcileEveryMs: wishes.reconcileEveryMs ?? Number.POSITIVE_INFINITY,
          ...connections(),
        })
      : undefined
  if (workers !== undefined) await until(() => workers.waitingFor().length === 0, 'the workers to be in step')

  const queues = new Map<QueueName, Queue<unknown>>()
  const queue = (name: QueueName): Queue<unknown> => {
    const known = queues.get(name) ?? openQueue<unknown>(name, redis)
    queues.set(name, known)
    return known
  }

  const send = async (
    path: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answered> => {
    const response = await fetch(`${address}${path}`, { method: 'POST', body, headers, redirect: 'manual' })
    return { status: response.status, text: await response.text() }
  }

  const signed = (
    body: string,
    { secret = secrets.signing, at = clock.now(), type = formType, headers = {} }: Forging = {},
  ): SignedRequest => {
    const seconds = Math.floor(at / 1_000)
    return {
      body,
      headers: {
        'content-type': type,
        'x-slack-request-timestamp': String(seconds),
        'x-slack-signature': slackSignature(secret, seconds, body),
        ...headers,
      },
    }
  }

  /** The grant in each statement, if its signature holds: each is checked once. */
  const checked = new Map<string, Promise<Grant | undefined>>()
  const proxyStatements = createStatements(keys.proxy)
  const genuine = (statement: string): Promise<Grant | undefined> => {
    const known = checked.get(statement)
    if (known !== undefined) return known
    const checking = proxyStatements.verify('grant', statement).catch(() => undefined)
    checked.set(statement, checking)
    return checking
  }

  const sorted = async (name: string): Promise<[string, string][]> =>
    Object.entries(await redis.hgetall(name)).sort(([a], [b]) => (a < b ? -1 : 1))

  const it = {
    port,
    address,
    redis,
    redisUrl: url.href,
    /** Where the workers keep their audit log. */
    auditFolder: folder,
    keys,
    clock,
    slack,
    pagerDuty,
    faults,
    rules: () => rules,
    waitingFor: () => bot.waitingFor(),
    signedIn: (token: string) => bot.signedIn(token),
    directory: directoryNow,
    /** What the directory holds from now on. */
    setPeople: (all: readonly Person[]): void => {
      directory = directoryOf(all)
    },
    /** The bot is started anew, with other rules. */
    restart: async (other: RuleSet = rules): Promise<void> => {
      await bot.stop()
      rules = other
      bot = await begin(rules)
    },

    signed,
    sendSlack: ({ body, headers }: SignedRequest): Promise<Answered> => send('/slack/events', body, headers),
    sendWebhook: (body: string, headers: Readonly<Record<string, string>>): Promise<Answered> =>
      send('/pagerduty/webhooks', body, { 'content-type': 'application/json', ...headers }),

    /** The form of a command, as Slack sends it. */
    commandForm: (who: Member, text: string, changes: Readonly<Record<string, string>> = {}): string =>
      new URLSearchParams({
        token: 'legacy',
        team_id: who.slack.team,
        team_domain: 'sandbox',
        channel_id: 'C0GENERAL0',
        channel_name: 'general',
        user_id: who.slack.user,
        user_name: who.name,
        command: '/access',
        text,
        api_app_id: 'A0PAGEPASS',
        is_enterprise_install: 'false',
        response_url: 'http://127.0.0.1:1/commands',
        // Each trigger is another one, so that no two of these are one message.
        trigger_id: `${clock.now()}.${nextNumber()}`,
        ...changes,
      }).toString(),
    /** A command, signed as Slack does; the text of the answer. */
    command: async (who: Member, text: string): Promise<string> => {
      const { status, text: body } = await it.sendSlack(signed(it.commandForm(who, text)))
      expect(status).toBe(200)
      return (JSON.parse(body) as { text: string }).text
    },

    /** What a click sends, as an object to alter. */
    clickPayload: (who: Member, action: string, value: unknown, changes: object = {}) => ({
      type: 'block_actions',
      user: { id: who.slack.user, username: who.name, name: who.name, team_id: who.slack.team },
      api_app_id: 'A0PAGEPASS',
      token: 'legacy',
      container: { type: 'message', message_ts: '1768478400.000100', channel_id: 'C0GENERAL0' },
      trigger_id: `${clock.now()}.${nextNumber()}`,
      team: { id: 'T0SANDBOX', domain: 'sandbox' },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: 'C0GENERAL0', name: 'general' },
      state: { values: {} },
      response_url: 'http://127.0.0.1:1/actions',
      actions: [
        {
          type: 'button',
          action_id: action,
          block_id: 'decide',
          text: { type: 'plain_text', text: action },
          value,
          action_ts: '1768478400.000100',
        },
      ],
      ...changes,
    }),
    sendPayload: (payload: unknown, forging: Forging = {}): Promise<Answered> => {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
      return it.sendSlack(signed(new URLSearchParams({ payload: text }).toString(), forging))
    },
    /** A click on the button that a grant's message to them carries. Strangers, who are sent none, use its owner's. */
    click: (who: Member, action: ButtonAction, grant: Grant): Promise<Answered> => {
      const to = directoryNow.bySlack(who.slack.team, who.slack.user) ?? grant.who
      return it.sendPayload(it.clickPayload(who, action, buttonValue(grant, action, to)))
    },
    /** What somebody alone sees. */
    saidTo: (who: Member): string[] => slack.visibleOnlyTo(who).map(({ text }) => text),

    /** Stores a grant as another bot would. */
    give: async (grant: Partial<Grant> & Pick<Grant, 'who'>): Promise<Grant> => {
      const now = clock.now()
      const whole: Grant = {
        id: `0000-0000-${nextNumber().toString(36).padStart(4, '0')}`,
        version: 1,
        environment: 'sandbox',
        state: 'active',
        step: 'given',
        services: ['orders-svc'],
        tier: 'operate',
        from: now,
        until: now + 60 * minute,
        duration: 60 * minute,
        why: { kind: 'request', rule: 'on_request[0]', reason: 'stuck orders' },
        nonce: randomBytes(24).toString('base64url'),
        rules: rules.hash,
        at: now,
        ...grant,
      }
      const { given } = await createGrantStore(redis, createStatements(keys.bot), clock).give(whole)
      if (!given) throw new Error('the grant was not stored')
      return whole
    },
    /** The newest version of every live grant whose signature holds. */
    live: async (): Promise<Grant[]> => {
      const read = await Promise.all((await redis.hvals(names.live)).map(genuine))
      return read.filter((grant) => grant !== undefined).sort((a, b) => a.at - b.at)
    },
    grant: async (id: string): Promise<Grant | undefined> => (await it.live()).find((one) => one.id === id),
    /** Everything about grants that Redis holds. */
    state: async () => ({
      sequence: await redis.get(names.sequence),
      events: await redis.xlen(names.events),
      live: Object.keys(await redis.hgetall(names.live)).sort(),
      ended: Object.keys(await redis.hgetall(names.ended)).sort(),
      versions: await redis.hgetall(names.versions),
      hash: createHash('sha256')
        .update(JSON.stringify(await Promise.all([names.live, names.ended].map(sorted))))
        .digest('hex'),
    }),
    queue,
    /** Puts a job into a queue as whoever can write to Redis would. */
    putJob: async (name: QueueName, data: unknown, options: object = {}): Promise<string> =>
      (await queue(name).add('forged', data, { attempts: 1, ...options })).id ?? '',
    /** Waits until a job was carried out, or given up. */
    done: (name: QueueName, id: string): Promise<void> =>
      until(
        async () => ['completed', 'failed', 'unknown'].includes(await queue(name).getJobState(id)),
        `the job ${id} of ${name}`,
      ),
    /** Waits until nothing in a queue waits or is worked on. */
    idle: (name: QueueName): Promise<void> =>
      until(async () => {
        const { waiting, active, prioritized } = await queue(name).getJobCounts()
        return [waiting, active, prioritized].every((count) => (count ?? 0) === 0)
      }, `${name} to be done`),
    /** Waits until the bot has heard and followed all that PagerDuty tells. */
    followed: async (): Promise<void> => {
      await until(() => pagerDuty.webhooks.status().waiting === 0, 'the webhooks to be delivered')
      await it.idle('incidents')
    },

    /** The commands that Redis was asked in this database meanwhile, each with its words. */
    commandsDuring: async (run: () => Promise<unknown>): Promise<string[]> => {
      // A plain socket: a client takes what MONITOR tells for answers to its own commands.
      const socket = connect(Number(url.port), url.hostname)
      let told = ''
      socket.on('data', (chunk: Buffer) => {
        told += chunk.toString()
      })
      if (url.password !== '') socket.write(`AUTH ${decodeURIComponent(url.password)}\r\n`)
      socket.write('MONITOR\r\n')
      await until(() => told.includes('+OK'), 'the monitor')
      await run()
      await redis.echo('the end of it')
      await until(() => told.includes('the end of it'), 'the last command')
      socket.destroy()
      return told.split('\r\n').filter((line) => line.includes(` [${database} `))
    },

    /** The log lines since the last call of `startOver`. */
    lines: (): Record<string, unknown>[] => lines().slice(mark),
    /** Forgets the log so far; a minute passes, so that refusals are told again. */
    startOver: (): void => {
      clock.set(clock.now() + minute)
      mark = lines().length
    },

    stop: async (): Promise<void> => {
      await pagerDuty.close()
      await workers?.stop()
      await Promise.all([...queues.values()].map((one) => one.close()))
      await bot.stop()
      await slack.close()
      for (const one of open) one.disconnect()
      redis.disconnect()
      process.off('uncaughtExceptionMonitor', onFault)
      process.off('unhandledRejection', onFault)
      await rm(folder, { recursive: true, force: true })
    },
  }
  let mark = 0
  return it
}
export type BotUnderTest = Awaited<ReturnType<typeof startBotForTest>>

let number = 0
const nextNumber = (): number => {
  number += 1
  return number
}

const directoryOf = (all: readonly Person[]): Directory =>
  indexDirectory({
    environment: 'sandbox',
    asOf: 0,
    people: all.map((person) => ({ ...person, groups: [...person.groups] })),
  })

/** The next good command is answered, no fault was made, and no secret is in any log line. */
export const expectGoodCommand = async (bot: BotUnderTest): Promise<void> => {
  expect(await bot.command(people.cho, 'list')).toMatch(/^You have /)
  expect(bot.faults).toEqual([])
  const told = JSON.stringify(bot.lines())
  for (const secret of Object.values(secrets)) expect(told).not.toContain(secret)
  expect(told).not.toMatch(/v[01]=[0-9a-f]{64}|"eyJ/)
}

/**
 * Nothing about any grant changes in Redis, a log line gives this reason (or says this), and the bot goes on. `reason` is
 * left out where there is nothing to refuse.
 */
export const expectNothing = async <T>(
  bot: BotUnderTest,
  reason: string | undefined,
  attack: () => Promise<T>,
): Promise<T> => {
  bot.startOver()
  const before = await bot.state()
  const outcome = await attack()
  await bot.idle('incidents')
  // A worker tells of a failure only once Redis has it, and so once the queue is idle.
  const reasons = () => bot.lines().map(({ reason: given, why, msg }) => given ?? why ?? msg)
  if (reason !== undefined) await expect.poll(reasons, { timeout: 30_000 }).toContain(reason)
  expect(await bot.state()).toEqual(before)
  await expectGoodCommand(bot)
  return outcome
}
