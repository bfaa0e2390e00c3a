import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importJWK, SignJWT } from 'jose'
import { createKeys } from '#access/adapters/keys.ts'
import type { Grant } from '#access/domain/grant.ts'
import { grantIdFromFacts } from '#access/domain/grant-id.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { startProcess } from '#infra/sandbox/start/processes.ts'
import { startBotPart } from '../../builders/proxy.ts'
import { steadyPort } from '../../free-ports.ts'
import type { Done, Order, Wanted } from './clients-main.ts'
import { patiently } from './patiently.ts'
import { host, rulesText } from './rules.ts'
import type { Saw, StreamKind } from './service-main.ts'

const proxyMain = fileURLToPath(new URL('../../../proxy/main.ts', import.meta.url))
const patienceMs = 60_000

export type ProxyWishes = {
  /** Where it finds Redis, if not where everybody does. */
  readonly redisUrl?: string
  readonly env?: NodeJS.ProcessEnv
}

/**
 * What proofs of the proxy's promises run on: real proxy processes (a parent and one that serves, each with its own audit
 * log) on a real Redis, whoever gives grants in this process, and service and clients in processes of their own. Whoever
 * starts it ends it, also where it did not start.
 */
export const startFleet = async (
  folder: string,
  redisUrl: string,
  ends: (end: () => unknown) => void,
  { whenStale = '15m' }: { readonly whenStale?: string } = {},
) => {
  const idpState = join(folder, 'idp.json')
  const idp = await startIdp({ stateFile: idpState }, 0)
  ends(idp.close)
  const child = (file: string): ChildProcess => {
    const started = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    ends(() => started.kill())
    return started
  }
  const service = child('service-main.ts')
  const [servicePort] = (await once(service, 'message')) as [number]
  const clients = child('clients-main.ts')
  const rulesFile = join(folder, 'access.yaml')
  await writeFile(
    rulesFile,
    rulesText({ issuer: idp.issuer, service: `http://127.0.0.1:${servicePort}`, whenStale }),
  )
  const { rules } = await loadRules(rulesFile)
  const keys = join(folder, 'keys')
  await createKeys(keys, rules.environment)
  const startBot = async () => {
    const bot = await startBotPart(redisUrl, keys, rules.environment)
    return {
      ...bot,
      stop: async (): Promise<void> => {
        await bot.stop()
        bot.disconnect()
      },
    }
  }
  const [jwk] = (JSON.parse(await readFile(idpState, 'utf8')) as { signing: [{ kid: string; alg: string }] })
    .signing
  const signingKey = await importJWK(jwk, 'ES256')
  let given = 0

  /** What a proxy's readiness says; undefined where nobody answers. */
  const readiness = async (adminPort: number): Promise<string | undefined> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`)
      return ((await answer.json()) as { status?: string }).status
    } catch {
      return undefined
    }
  }

  const order = async (what: Order): Promise<Done> => {
    clients.send(what)
    const [done] = (await once(clients, 'message', { signal: AbortSignal.timeout(patienceMs) }).catch(() => {
      throw new Error(`the clients could not ${what.kind} within ${patienceMs / 1_000} s`)
    })) as [Done]
    return done
  }

  return {
    rules,
    rulesFile,
    issuer: idp.issuer,
    keys,
    startBot,
    /** Not waited for: `untilReady` does. */
    startProxy: async (name: string, wishes: ProxyWishes = {}) => {
      const port = await steadyPort()
      const adminPort = await steadyPort()
      const started = await startProcess({
        name,
        command: process.execPath,
        args: [proxyMain],
        logFile: join(folder, `${name}.log`),
        env: {
          PATH: process.env['PATH'],
          PAGEPASS_MODE: 'sandbox',
          PAGEPASS_RULES: rulesFile,
          PAGEPASS_KEYS: join(keys, 'proxy'),
          PAGEPASS_DATA_DIR: folder,
          PAGEPASS_INSTANCE: name,
          PAGEPASS_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
          PAGEPASS_PROXY_LISTEN: `127.0.0.1:${port}`,
          PAGEPASS_PROXY_PROCESSES: '1',
          REDIS_URL: wishes.redisUrl ?? redisUrl,
          ...wishes.env,
        },
      })
      ends(() => started.stop(2_000))
      return {
        ...started,
        port,
        readiness: () => readiness(adminPort),
        untilReady: (): Promise<void> =>
          patiently(async () => (await readiness(adminPort)) === 'ready', `${name} to be ready`),
      }
    },
    /** A token of the real provider's key, by the wall clock. */
    token: (subject: string, more: Record<string, unknown> = {}): Promise<string> => {
      const seconds = Math.floor(Date.now() / 1_000)
      return new SignJWT({ groups: ['sre'], iat: seconds, exp: seconds + 7_200, ...more })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid })
        .setIssuer(idp.issuer)
        .setAudience('pagepass')
        .setSubject(subject)
        .sign(signingKey)
    },
    grantFor: (subject: string, lastsMs: number): Grant => {
      given += 1
      const now = Date.now()
      return {
        id: grantIdFromFacts(['fleet', String(given)]),
        version: 1,
        environment: rules.environment,
        state: 'active',
        step: 'given',
        who: { issuer: idp.issuer, subject, name: subject },
        services: ['orders'],
        tier: 'observe',
        from: now,
        until: now + lastsMs,
        duration: lastsMs,
        why: { kind: 'request', rule: 'on_request[0]' },
        nonce: randomBytes(16).toString('base64url'),
        rules: rules.hash,
        at: now,
      }
    },
    /** Where a client sends something. */
    at: (port: number, token: string, tag: string): Wanted => ({ port, host, token, tag }),
    order,
    /** What is refused, since a proxy may not have heard of the pass yet, is tried again. False where it took too long. */
    open: async (
      as: StreamKind,
      every: number,
      all: readonly Wanted[],
      until = Number.POSITIVE_INFINITY,
    ): Promise<boolean> => {
      let left = all
      await patiently(async () => {
        const { refused } = await order({ kind: 'open', as, every, all: left })
        left = left.filter(({ tag }) => refused.includes(tag))
        return left.length === 0 || Date.now() > until
      }, 'every stream to open')
      return left.length === 0
    },
    see: async (): Promise<Saw> => {
      service.send('see')
      const [saw] = (await once(service, 'message')) as [Saw]
      return saw
    },
  }
}
export type Fleet = Awaited<ReturnType<typeof startFleet>>
export type FleetProxy = Awaited<ReturnType<Fleet['startProxy']>>
