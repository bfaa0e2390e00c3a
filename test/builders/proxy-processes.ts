import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { createKeys } from '#access/adapters/keys.ts'
import type { Grant } from '#access/domain/grant.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { compileCache } from '#infra/sandbox/compile-cache.ts'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { people } from '#infra/sandbox/people.ts'
import { steadyPort } from '../free-ports.ts'
import { makePair } from './certificate.ts'
import { aRequestedGrant, domain, rulesText, startBotPart, until } from './proxy.ts'
import { startUpstream } from './upstream.ts'

const mains = {
  parent: [fileURLToPath(new URL('../../proxy/main.ts', import.meta.url))],
  command: [fileURLToPath(new URL('../../cli/main.ts', import.meta.url)), 'proxy'],
}

type Ready = {
  readonly status: string
  readonly waiting_for?: readonly string[]
  readonly rules?: { readonly hash: string; readonly changed_on_disk: boolean }
  readonly processes?: readonly {
    readonly name: string
    readonly pid: number
    readonly status: string
    readonly rules?: string
  }[]
}

/** The whole proxy as it is run: a parent and the processes that serve, on a real Redis (a database of its own). */
export const startProxyProcesses = async (
  redisUrl: string,
  database: number,
  {
    processes = 2,
    bot: withBot = true,
    by = 'parent',
    mend = (text) => text,
    tls: overTls = false,
  }: {
    readonly processes?: number
    readonly bot?: boolean
    /** Whether the parent is started as it is, or by `pagepass proxy`. */
    readonly by?: keyof typeof mains
    /** Changes the text of the rule set, which is read before that, too. */
    readonly mend?: (text: string) => string
    /** Whether it listens over TLS, with a pair made for it. */
    readonly tls?: boolean
  } = {},
) => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-processes-'))
  const url = new URL(redisUrl)
  url.pathname = `/${database}`
  const redis = new Redis(url.href)
  await redis.flushdb()
  const idp = await startIdp({ stateFile: join(folder, 'idp.json') }, 0)
  const orders = await startUpstream()
  const rulesFile = join(folder, 'access.yaml')
  const text = rulesText(idp.issuer, orders.url, orders.url)
  await writeFile(rulesFile, text)
  const { rules } = await loadRules(rulesFile)
  await createKeys(join(folder, 'keys'), rules.environment)
  const bot = withBot ? await startBotPart(url.href, join(folder, 'keys'), rules.environment) : undefined
  const port = await steadyPort()
  const adminPort = await steadyPort()
  const inspectPort = await steadyPort()
  const pair = overTls ? await makePair(folder, 'proxy') : undefined
  await writeFile(rulesFile, mend(text))
  const logFile = await open(join(folder, 'proxy.log'), 'a')
  // The parent's own is never opened, and node:cluster counts on from it.
  const parent = spawn(process.execPath, [`--inspect-port=${inspectPort - 1}`, ...mains[by]], {
    detached: true,
    stdio: ['ignore', logFile.fd, logFile.fd],
    env: {
      ...compileCache,
      PATH: process.env['PATH'],
      PAGEPASS_MODE: 'sandbox',
      PAGEPASS_RULES: rulesFile,
      PAGEPASS_KEYS: join(folder, 'keys', 'proxy'),
      PAGEPASS_DATA_DIR: folder,
      PAGEPASS_INSTANCE: 'edge',
      PAGEPASS_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      PAGEPASS_PROXY_LISTEN: `127.0.0.1:${port}`,
      PAGEPASS_PROXY_PROCESSES: String(processes),
      ...(pair === undefined ? {} : { PAGEPASS_TLS_CERT: pair.cert, PAGEPASS_TLS_KEY: pair.key }),
      REDIS_URL: url.href,
    },
  })
  const exited = once(parent, 'exit').then(([code]) => code as number | null)
  await once(parent, 'spawn')
  await logFile.close()
  const log = (): Promise<string> => readFile(join(folder, 'proxy.log'), 'utf8')
  const ready = async (): Promise<Ready | undefined> => {
    try {
      return (await (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).json()) as Ready
    } catch {
      return undefined
    }
  }
  const named = async (status: string): Promise<string[]> =>
    ((await ready())?.processes ?? []).filter((one) => one.status === status).map(({ name }) => name)
  let given = 0

  return {
    port,
    adminPort,
    /** Where the inspector of the first process that serves listens once it is asked to. */
    inspectPort,
    parentPid: parent.pid ?? 0,
    auditFolder: join(folder, 'audit'),
    /** SIGTERM to drain, SIGINT to stop, SIGHUP to replace the processes that serve. */
    signal: (signal: NodeJS.Signals): boolean => parent.kill(signal),
    /** With which code the parent ended. */
    exited,
    orders,
    redis,
    rules,
    rulesFile,
    text,
    log,
    ready,
    /** Who is said to be so, by name. */
    named,
    untilReady: (count = processes): Promise<void> =>
      until(
        async () => (await named('ready')).length === count && (await ready())?.status === 'ready',
        'all to be ready',
      ),
    token: (): Promise<string> => idp.tokenFor(people.ana),
    give: async (changes: Partial<Grant> = {}): Promise<Grant> => {
      if (bot === undefined) throw new Error('this proxy was started without a bot')
      given += 1
      const grant = { ...aRequestedGrant(rules, idp.issuer, 'ana', given, Date.now()), ...changes }
      await bot.store.give(grant)
      return grant
    },
    end: async (grant: Grant) => {
      if (bot === undefined) throw new Error('this proxy was started without a bot')
      const { sequence } = await bot.store.end(grant, 'revoked')
      return { receipt: () => bot.receipts.of(sequence) }
    },
    host: `orders-svc.${domain}`,
    /** The admit records of every process, by the name of its log. */
    admitted: async (): Promise<Map<string, number>> => {
      const found = new Map<string, number>()
      for (const file of await readdir(join(folder, 'audit'))) {
        const lines = (await readFile(join(folder, 'audit', file), 'utf8')).split('\n')
        found.set(file, lines.filter((line) => line.includes('"kind":"admitted"')).length)
      }
      return found
    },
    stop: async (): Promise<void> => {
      try {
        // Whatever is left of it.
        process.kill(-(parent.pid ?? 0), 'SIGKILL')
      } catch {
        // All have ended.
      }
      await exited
      await bot?.stop()
      bot?.disconnect()
      await idp.close()
      await orders.close()
      redis.disconnect()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type ProxyProcesses = Awaited<ReturnType<typeof startProxyProcesses>>
