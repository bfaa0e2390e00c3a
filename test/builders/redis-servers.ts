import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis, type RedisOptions } from 'ioredis'
import type { PartName } from '#infra/sandbox/stack.ts'
import { type StartedProcess, startProcess } from '#infra/sandbox/start/processes.ts'
import { aFolder, until } from '../builders.ts'
import { steadyPort } from '../free-ports.ts'

const run = promisify(execFile)
const shipped = fileURLToPath(new URL('../../infra/redis/', import.meta.url))

export const userNames = ['bot', 'workers', 'proxy', 'backup', 'admin', 'replica', 'sentinel'] as const
export type UserName = (typeof userNames)[number]

/** A Redis of a test: what it said of itself, and how to reach it. */
export type Server = { readonly port: number; readonly folder: string; readonly process: StartedProcess }

/**
 * What production has in its folder: the users that make-users.sh makes, and certificates of a CA of its own. Servers
 * started from it use the shipped redis.conf, on loopback; all of them are gone after `stop`.
 */
export const redisHome = async () => {
  const { folder, remove } = await aFolder()
  await run('sh', [join(shipped, 'make-users.sh'), folder])
  await makeCertificates(folder)
  const passwords = await readFile(join(folder, 'passwords.env'), 'utf8')
  const ca = join(folder, 'ca.crt')
  const caText = await readFile(ca, 'utf8')
  const started: StartedProcess[] = []
  const open: Redis[] = []

  const passwordOf = (user: UserName): string =>
    new RegExp(`^REDIS_${user.toUpperCase()}_PASSWORD=(.+)$`, 'm').exec(passwords)?.[1] ?? ''

  /** A shipped configuration where its files really are. */
  const configuration = async (name: string, data: string): Promise<string> =>
    (await readFile(join(shipped, name), 'utf8'))
      .replaceAll('/run/secrets/redis_cert', join(folder, 'redis.crt'))
      .replaceAll('/run/secrets/redis_key', join(folder, 'redis.key'))
      .replaceAll('/run/secrets/redis_ca', ca)
      .replaceAll('/run/secrets/redis_users', join(folder, 'users.acl'))
      .replace('dir /data', `dir ${data}`)
      .concat('bind 127.0.0.1\n')

  const begin = async (name: string, args: readonly string[]): Promise<StartedProcess> => {
    const process = await startProcess({
      name,
      command: 'redis-server',
      args,
      logFile: join(folder, `${name}.log`),
    })
    started.push(process)
    return process
  }

  const connect = (port: number, user: UserName, more: RedisOptions = {}): Redis => {
    const redis = new Redis({
      ...more,
      replyMapping: 'legacy',
      host: '127.0.0.1',
      port,
      username: user,
      password: passwordOf(user),
      tls: { ca: caText },
      disableClientInfo: true,
      maxRetriesPerRequest: null,
    })
    redis.on('error', () => undefined)
    open.push(redis)
    return redis
  }

  return {
    folder,
    ca,
    caText,
    passwordOf,
    connect,
    /** A Redis of the shipped configuration, with these lines besides. The same name is started again on its data. */
    start: async (name: string, lines: readonly string[] = [], port?: number): Promise<Server> => {
      const at = port ?? (await steadyPort())
      const data = join(folder, name)
      await mkdir(data, { recursive: true })
      const file = join(folder, `${name}.conf`)
      const text = (await configuration('redis.conf', data)).replace('tls-port 6379', `tls-port ${at}`)
      await writeFile(file, `${text}${lines.join('\n')}\n`)
      const process = await begin(name, [file])
      const admin = connect(at, 'admin')
      await until(async () => (await admin.ping()) === 'PONG', `${name} serves`)
      return { port: at, folder: data, process }
    },
    /** What a Redis needs to become a replica. */
    replication: ['masteruser replica', `masterauth ${passwordOf('replica')}`],
    /** A Sentinel of the shipped configuration. Resolves with its port and a connection to it. */
    startSentinel: async (name: string, master: number, password: string) => {
      const port = await steadyPort()
      const data = join(folder, name)
      await mkdir(data, { recursive: true })
      const text = (await configuration('sentinel.conf', data))
        .replace('tls-port 26379', `tls-port ${port}`)
        .replace('REDIS_HOST 6379', `127.0.0.1 ${master}`)
        // A machine that stands still for a moment is not down.
        .replace('down-after-milliseconds pagepass 3000', 'down-after-milliseconds pagepass 8000')
        .replaceAll('SENTINEL_USER_PASSWORD', passwordOf('sentinel'))
        .replaceAll('SENTINEL_PASSWORD', password)
      const file = join(data, 'sentinel.conf')
      await writeFile(file, text)
      await begin(name, [file, '--sentinel'])
      const redis = new Redis({
        ...{ host: '127.0.0.1', port, password, tls: { ca: caText } },
        ...{ disableClientInfo: true, maxRetriesPerRequest: null, enableReadyCheck: false },
      })
      redis.on('error', () => undefined)
      open.push(redis)
      return { port, redis }
    },
    /** The environment of a part, for this `REDIS_URL` with its own user and password in it. */
    environmentOf: (part: PartName, urlOf: (login: string) => string): NodeJS.ProcessEnv => ({
      REDIS_URL: urlOf(`${part}:${passwordOf(part)}`),
      REDIS_CA: ca,
    }),
    stop: async (): Promise<void> => {
      for (const one of open) one.disconnect()
      // A Redis that was frozen ends all the same.
      await Promise.all(started.map((one) => one.stop(2_000)))
      await remove()
    },
  }
}
export type RedisHome = Awaited<ReturnType<typeof redisHome>>

/** As infra/README.md says, for loopback. */
const makeCertificates = async (folder: string): Promise<void> => {
  const openssl = (...words: readonly string[]) => run('openssl', words, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl('req', '-x509', ...newKey, '-subj', '/CN=Redis CA', '-keyout', 'ca.key', '-out', 'ca.crt')
  await openssl('req', ...newKey, '-subj', '/CN=redis', '-keyout', 'redis.key', '-out', 'redis.csr')
  await writeFile(join(folder, 'redis.ext'), 'subjectAltName=IP:127.0.0.1')
  await openssl(
    ...['x509', '-req', '-in', 'redis.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-out', 'redis.crt', '-extfile', 'redis.ext'],
  )
}
