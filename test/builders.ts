import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { createKeys, type Holder, loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { End, Grant } from '#access/domain/grant.ts'
import type { Incident } from '#access/domain/incident.ts'
import type { Lock } from '#access/domain/lock.ts'
import { type Claims, type Person, type Proven, principalKey } from '#access/domain/principal.ts'
import type { RuleSet, Service } from '#access/domain/rule-set.ts'
import type { Tier } from '#access/domain/tier.ts'
import type { LiveGrants, LockStore, Locks } from '#access/ports.ts'
import { parseRuleSet, type SoundRuleSet } from '#access/rules/parse-rule-set.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'
import { createLogger, type Logger } from '#access/runtime/logger.ts'

/** The frozen time of tests: a Thursday noon. */
export const noon = Date.UTC(2026, 0, 15, 12)
export const minute = 60_000
export const hour = 60 * minute

export const rulesText = readFileSync(new URL('example.yaml', import.meta.url), 'utf8')

/** Who a token of this person proves. */
export const provenOf = (person: Claims): Proven => ({ ...person, principal: principalKey(person) })

/** What these files say, by default the example of tests; faults are a fault of the test. */
export const parsedOf = (files: string | readonly RuleFile[] = rulesText): SoundRuleSet => {
  const parsed = parseRuleSet(files)
  if (parsed.ok) return parsed
  const faults = parsed.faults.map(({ file, line, column, what }) => `${file}:${line}:${column} ${what}`)
  throw new Error(faults.join('\n'))
}

/** The rule set of a text; by default the example of tests. */
export const rulesOf = (text = rulesText): RuleSet => parsedOf(text).rules

export const serviceIn = (rules: RuleSet, name = 'orders-svc'): Service => {
  const service = rules.services.get(name)
  if (service === undefined) throw new Error(`no service ${name}`)
  return service
}

export const tierIn = (service: Service, name: string): Tier => {
  const tier = service.tiers.find((one) => one.name === name)
  if (tier === undefined) throw new Error(`no tier ${name}`)
  return tier
}

const issuer = 'http://127.0.0.1:7074'

/** Ana of payments, unless told otherwise. */
export const aPerson = (changes: Partial<Person> = {}): Person => ({
  issuer,
  subject: 'idp-ana',
  name: 'Ana Lopes',
  groups: ['team-payments'],
  active: true,
  slack: { team: 'T0SANDBOX', user: 'U0ANA00001' },
  pagerduty: { account: 'sandbox', user: 'PUANA01' },
  ...changes,
})

export const aGrant = (changes: Partial<Grant> = {}): Grant => ({
  id: 'aaaa-bbbb-cccc',
  version: 1,
  environment: 'sandbox',
  state: 'active',
  step: 'given',
  who: { issuer, subject: 'idp-ana', name: 'Ana Lopes' },
  services: ['orders-svc'],
  tier: 'operate',
  from: noon,
  until: noon + hour,
  duration: hour,
  why: { kind: 'request', rule: 'on_request[0]', reason: 'stuck orders' },
  nonce: 'n'.repeat(22),
  rules: 'hash',
  at: noon,
  ...changes,
})

/** Ana is locked out by Ben. */
export const aLock = (changes: Partial<Lock> = {}): Lock => ({
  id: 'zzzz-bbbb-cccc',
  version: 1,
  environment: 'sandbox',
  who: { issuer, subject: 'idp-ana', name: 'Ana Lopes' },
  state: 'locked',
  by: { kind: 'person', issuer, subject: 'idp-ben', name: 'Ben Okafor' },
  because: 'a stolen laptop',
  since: noon,
  agreed: [],
  nonce: 'k'.repeat(22),
  at: noon,
  ...changes,
})

/** What lets them in again, or with one name only says that somebody agrees. */
export const aLift = (of: Lock, changes: Partial<Lock> = {}, agreed = ['idp-ben', 'idp-cho']): Lock => ({
  ...of,
  version: of.version + 1,
  state: agreed.length > 1 ? 'free' : 'locked',
  agreed: agreed.map((subject) => ({ issuer, subject, name: subject, at: of.at + 1 })),
  at: of.at + 1,
  ...changes,
})

export const anEnd = (of: Grant, changes: Partial<End> = {}): End => ({
  id: of.id,
  version: of.version + 1,
  environment: of.environment,
  state: 'ended',
  cause: 'revoked',
  at: noon,
  ...changes,
})

export const pageWhy = (id = 'Q1'): Grant['why'] => ({
  kind: 'page',
  rule: 'on_page[0]',
  incident: { id, number: 7, title: 'orders are stuck' },
})

export const anIncident = (changes: Partial<Incident> = {}): Incident => ({
  id: 'Q1',
  number: 7,
  title: 'orders are stuck',
  status: 'triggered',
  urgency: 'high',
  service: 'PORDERS',
  paged: [{ user: 'PUANA01', name: 'Ana Lopes', at: noon }],
  acknowledgedBy: [],
  trigger: { kind: 'integration', id: 'PIDATADOG' },
  shapedBy: [],
  ...changes,
})

/** The n-th of many grant ids. */
export const nthId = (n: number): string => {
  const digits = n.toString(36).padStart(12, '0')
  return `${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8)}`
}

/** A folder that is gone after `remove`. */
export const aFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-test-'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Fresh keys of an environment, by holder. */
export const freshKeys = async (environment = 'sandbox') => {
  const { folder, remove } = await aFolder()
  await createKeys(folder, environment)
  const keys = await keysIn(folder, environment)
  await remove()
  return keys
}

/** The keys of every holder in a folder that `createKeys` made. */
export const keysIn = async (folder: string, environment = 'sandbox') => {
  const of = (holder: Holder) => loadKeys(join(folder, holder), holder, environment)
  const [bot, workers, proxy, offline, responder, security] = await Promise.all([
    of('bot'),
    of('workers'),
    of('proxy'),
    of('offline'),
    of('responder'),
    of('security'),
  ])
  return { bot, workers, proxy, offline, responder, security }
}

/** The statements that each holder of these keys can sign. */
export const statementsWith = (keys: Awaited<ReturnType<typeof freshKeys>>) => ({
  bot: createStatements(keys.bot),
  workers: createStatements(keys.workers),
  proxy: createStatements(keys.proxy),
  offline: createStatements(keys.offline),
})

/** The statements that each part can sign with fresh keys of an environment. */
export const freshStatements = async (environment = 'sandbox') => statementsWith(await freshKeys(environment))

/** A clock that stands still until it is set. */
export const frozenClock = (at = noon) => {
  let now = at
  return {
    now: () => now,
    set: (to: number): void => {
      now = to
    },
  }
}

/** A log that keeps its lines for the test to read. */
export const keptLog = (): { log: Logger; lines: () => Record<string, unknown>[] } => {
  const kept: string[] = []
  const log = createLogger('test', 'trace', { write: (line: string) => void kept.push(line) })
  return { log, lines: () => kept.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

/** Alarms, in order. */
export const keptAlarms = () => {
  const all: string[] = []
  return { all, alarm: (what: string): void => void all.push(what) }
}

/** A database of the test's own, emptied; and more connections to it. */
export const freshDatabase = async (redisUrl: string, number: number) => {
  const url = new URL(redisUrl)
  url.pathname = `/${number}`
  const open: Redis[] = []
  const connect = (): Redis => {
    const redis = new Redis(url.href, { maxRetriesPerRequest: null })
    redis.on('error', () => undefined)
    open.push(redis)
    return redis
  }
  const redis = connect()
  await redis.flushdb()
  return { redis, connect, url: url.href, close: () => open.forEach((one) => void one.disconnect()) }
}

/** Waits until something holds; the test fails by its own time limit or after `withinMs`. */
export const until = async (
  holds: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 30_000,
): Promise<void> => {
  const deadline = AbortSignal.timeout(withinMs)
  while (!(await holds())) {
    if (deadline.aborted) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Nobody is locked out, and nobody can be. */
export const noLocks: { readonly locks: Locks; readonly lockStore: LockStore } = {
  locks: { isLocked: () => false, of: () => undefined, all: () => [] },
  lockStore: {
    put: async () => {
      throw new Error('nobody can be locked out here')
    },
  },
}

/** What catches up however long that takes: by itself it gives up after a moment, and a busy machine may need more. */
export const patiently = (live: LiveGrants): LiveGrants => {
  const tryAgain = (error: Error): false => {
    if (error.message.startsWith('the view is not in step')) return false
    throw error
  }
  return {
    ...live,
    catchUp: () => until(() => live.catchUp().then(() => true, tryAgain), 'it has caught up'),
  }
}
