import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cp, glob, mkdir, readFile, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { holders } from '#access/adapters/keys.ts'
import { neededScopes } from '#access/adapters/slack/check-token.ts'
import { readBotConfig } from '#bot/config.ts'
import { compileCache } from '#infra/sandbox/compile-cache.ts'
import { readProxyConfig } from '#proxy/config.ts'
import { readWorkersConfig } from '#workers/config.ts'
import { aFolder } from '../builders.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')
const readers = { bot: readBotConfig, workers: readWorkersConfig, proxy: readProxyConfig }
type Part = keyof typeof readers
const parts = ['bot', 'workers', 'proxy'] as const

const mountShape = z.strictObject({
  type: z.literal('bind'),
  source: z.string(),
  target: z.string(),
  read_only: z.boolean(),
  bind: z.strictObject({ create_host_path: z.boolean() }),
})
const serviceShape = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  restart: z.string(),
  read_only: z.boolean(),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.string()),
  tmpfs: z.array(z.string()),
  pids_limit: z.number(),
  stop_grace_period: z.string(),
  stop_signal: z.string().optional(),
  logging: z.object({ driver: z.string() }),
  user: z.string(),
  command: z.array(z.string()),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
  healthcheck: z.object({ test: z.array(z.string()) }),
  secrets: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string()).optional(),
  networks: z.array(z.string()),
  volumes: z.array(z.union([z.string(), mountShape])),
})
const composeShape = z.object({
  services: z.record(z.enum([...parts, 'redis']), serviceShape),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  volumes: z.record(z.string(), z.object({})),
})
const compose = composeShape.parse(parse(textOf('infra/compose.yaml'), { merge: true }))
const services = Object.entries(compose.services)
const every = [...parts, 'redis'] as const

/** What somebody might put into pagepass.env. */
const example: Readonly<Record<string, string>> = {
  REDIS_BOT_PASSWORD: 'b'.repeat(64),
  REDIS_WORKERS_PASSWORD: 'c'.repeat(64),
  REDIS_PROXY_PASSWORD: 'd'.repeat(64),
  SLACK_BOT_TOKEN: 'xoxb-1-a',
  SLACK_SIGNING_SECRET: 's'.repeat(32),
  PAGERDUTY_TOKEN: 'read-only',
  PAGERDUTY_WEBHOOK_SECRET: 'w'.repeat(32),
  PAGERDUTY_NOTES_TOKEN: 'may-write',
  PAGERDUTY_FROM: 'pagepass@example.com',
  PAGEPASS_TLS_CERT: '/etc/pagepass/tls/tls.crt',
  PAGEPASS_TLS_KEY: '/etc/pagepass/tls/tls.key',
  PAGEPASS_AUTHZ_LISTEN: '0.0.0.0:8181',
  PAGEPASS_AUTHZ_TLS_CERT: '/etc/pagepass/tls/authz.crt',
  PAGEPASS_AUTHZ_TLS_KEY: '/etc/pagepass/tls/authz.key',
  PAGEPASS_AUTHZ_TLS_CA: '/etc/pagepass/tls/front-proxies-ca.crt',
  PAGEPASS_AUTHZ_SECRETS: 'f'.repeat(64),
  PAGEPASS_EGRESS_LISTEN: '0.0.0.0:8282',
  PAGEPASS_EGRESS_TLS_CERT: '/etc/pagepass/tls/egress.crt',
  PAGEPASS_EGRESS_TLS_KEY: '/etc/pagepass/tls/egress.key',
  PAGEPASS_SLACK_APP_URL: 'slack://app?team=T1&id=A1',
}
/** Compose's own ${NAME:?…} and ${NAME:-default}. */
const interpolation = /\$\{([A-Z_]+)(?::([?-])([^}]*))?\}/g
const filledIn = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replaceAll(interpolation, (_, name: string, kind: string | undefined, rest: string | undefined) => {
    const value = values[name]
    if (value !== undefined) return value
    if (kind === '-') return rest ?? ''
    throw new Error(`${name} is demanded`)
  })
const environmentOf = (part: Part, values = example): Record<string, string> =>
  Object.fromEntries(
    Object.entries(compose.services[part].environment ?? {}).map(([name, text]) => [
      name,
      filledIn(text, values),
    ]),
  )
/** Node reads them itself. */
const ofNode = ['NODE_ENV']

describe('In compose.yaml', () => {
  test.each(services)(
    '%s can write nowhere but to its volume and /tmp, and gain nothing',
    (name, service) => {
      expect(service.read_only).toBe(true)
      expect(service.cap_drop).toEqual(['ALL'])
      expect(service.security_opt).toEqual(['no-new-privileges:true'])
      expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
      expect(service.tmpfs).toEqual([expect.stringMatching(/^\/tmp:.*noexec,nosuid,nodev/)])
      expect(service.pids_limit).toBeGreaterThan(0)
      const own = service.volumes.filter((volume) => typeof volume === 'string')
      expect(own).toEqual([`${name}-data:${name === 'redis' ? '/data' : '/var/lib/pagepass'}`])
      for (const volume of service.volumes) {
        if (typeof volume === 'string') continue
        expect(volume.read_only, volume.target).toBe(true)
        expect(volume.bind.create_host_path, volume.target).toBe(false)
      }
      expect(Object.keys(compose.volumes)).toContain(`${name}-data`)
    },
  )

  test.each(services)('%s is waited for, watched and started again', (_, service) => {
    expect(service.healthcheck.test[0]).toBe('CMD')
    expect(service.stop_grace_period).toBe('15s')
    expect(service.restart).toBe('unless-stopped')
  })

  test.each(parts)('%s runs the image, and waits for a Redis that serves', (part) => {
    const { image, command, depends_on, build } = compose.services[part]
    expect(image).toMatch(/^pagepass:/)
    expect(build).toEqual({ context: '..', dockerfile: 'infra/Dockerfile' })
    expect(command).toEqual([part])
    expect(depends_on).toEqual({ redis: { condition: 'service_healthy' } })
  })

  test.each(parts)('%s gets what its configuration demands, and production takes it', (part) => {
    expect(() => readers[part](environmentOf(part))).not.toThrow()
  })

  test.each(parts)('%s starts without what is optional', (part) => {
    const optional = /^(?:PAGERDUTY_(?:NOTES_TOKEN|FROM)|PAGEPASS_.*)$/
    const least = Object.fromEntries(Object.entries(example).filter(([name]) => !optional.test(name)))
    expect(() => readers[part](environmentOf(part, least))).not.toThrow()
  })

  test.each(parts)('%s gets nothing that its configuration does not know, and no mode', (part) => {
    const known = [...Object.keys(readers[part](environmentOf(part))), ...ofNode]
    const given = Object.keys(environmentOf(part))
    expect(given.filter((name) => !known.includes(name))).toEqual([])
    expect(given).not.toContain('PAGEPASS_MODE')
  })

  test.each(parts)('whatever has a default in the configuration of %s can be set', (part) => {
    const given = Object.keys(environmentOf(part))
    const known = Object.keys(readers[part](environmentOf(part))).filter((name) => /^[A-Z_]+$/.test(name))
    expect(known.filter((name) => !given.includes(name))).toEqual(['PAGEPASS_MODE'])
  })

  test('no secret is written down', () => {
    const secret = /TOKEN|SECRET|PASSWORD/
    for (const part of parts)
      for (const [name, value] of Object.entries(compose.services[part].environment ?? {}))
        if (secret.test(name)) expect(value, name).toMatch(/^\$\{[A-Z_]+:(?:\?[^}]+|-)\}$/)
    for (const [name, { file }] of Object.entries(compose.secrets))
      expect(file, name).toMatch(/^\$\{PAGEPASS_ETC:-\/etc\/pagepass\}\/redis\//)
  })

  test('what may be set is told in the README, and nothing else', () => {
    const asked = new Set([...textOf('infra/compose.yaml').matchAll(interpolation)].map(([, name]) => name))
    const rows = textOf('infra/README.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|')[1] ?? '')
    const told = new Set(rows.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name)))
    expect([...told].sort()).toEqual([...asked].sort())
  })

  test.each(parts)('%s gets its own keys and no others', (part) => {
    const keys = compose.services[part].volumes.filter(
      (volume) => typeof volume !== 'string' && volume.source.includes('/keys'),
    )
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatchObject({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in
      source: '${PAGEPASS_ETC:-/etc/pagepass}/keys/'.concat(part),
      target: environmentOf(part)['PAGEPASS_KEYS'],
    })
    expect(Object.keys(holders)).toContain(part)
  })

  test.each(parts)('every file that %s is told of is mounted, and nothing else', (part) => {
    const targets = compose.services[part].volumes.map((volume) =>
      typeof volume === 'string' ? (volume.split(':')[1] ?? '') : volume.target,
    )
    const secrets = (compose.services[part].secrets ?? []).map((name) => `/run/secrets/${name}`)
    const mounted = [...targets, ...secrets]
    const told = Object.values(environmentOf(part)).filter((value) => /^\/(?:etc|var|run)\//.test(value))
    const holderOf = (file: string) => mounted.find((at) => file === at || file.startsWith(`${at}/`))
    expect([...new Set(told.map(holderOf))].sort()).toEqual(mounted.sort())
  })

  test.each(parts)('%s gets the rule set with its seal, and from elsewhere who may seal', (part) => {
    const { PAGEPASS_RULES: rules = '', PAGEPASS_RULES_KEYS: sealers = '' } = environmentOf(part)
    const mounts = compose.services[part].volumes.filter((volume) => typeof volume !== 'string')
    expect(mounts.map(({ target }) => target)).toContain(dirname(rules))
    expect(mounts.map(({ target }) => target)).toContain(sealers)
    expect(sealers.startsWith(`${dirname(rules)}/`)).toBe(false)
  })

  test('the proxy ends at once, since the next one waits for its place', () => {
    expect(services.filter(([, { stop_signal }]) => stop_signal !== undefined)).toMatchObject([
      ['proxy', { stop_signal: 'SIGINT' }],
    ])
  })

  test('a second proxy is like the first, but for its name, port and volume', () => {
    const second: unknown = parse(textOf('infra/second-proxy.yaml'), { logLevel: 'error' })
    expect(second).toEqual({
      services: {
        'proxy-2': {
          extends: { file: 'compose.yaml', service: 'proxy' },
          environment: { PAGEPASS_INSTANCE: 'proxy-2' },
          ports: ['127.0.0.1:8081:8080'],
          volumes: ['proxy-2-data:/var/lib/pagepass'],
        },
      },
      volumes: { 'proxy-2-data': {} },
    })
  })

  test('only the listeners of bot and proxy are published, on loopback, and no admin port', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]))
    expect(published).toEqual([
      ['bot', '127.0.0.1:3000:3000'],
      ['proxy', '127.0.0.1:8080:8080'],
    ])
    expect(environmentOf('bot')['PAGEPASS_BOT_LISTEN']).toBe('0.0.0.0:3000')
    expect(environmentOf('proxy')['PAGEPASS_PROXY_LISTEN']).toBe('0.0.0.0:8080')
    for (const part of parts) expect(environmentOf(part)['PAGEPASS_ADMIN_LISTEN']).toMatch(/^127\.0\.0\.1:/)
  })

  test('each part shares a network with Redis and with no other part', () => {
    const shared = (one: (typeof every)[number], other: (typeof every)[number]): string[] =>
      compose.services[one].networks.filter((name) => compose.services[other].networks.includes(name))
    expect(shared('bot', 'workers')).toEqual([])
    expect(shared('bot', 'proxy')).toEqual([])
    expect(shared('workers', 'proxy')).toEqual([])
    for (const part of parts) expect(shared(part, 'redis')).toEqual([`redis-${part}`])
  })

  test('Redis and the protected services have no way out, and only the proxy reaches the latter', () => {
    for (const name of [...compose.services.redis.networks, 'services'])
      expect(compose.networks[name]?.internal, name).toBe(true)
    const near = services.filter(([, { networks }]) => networks.includes('services'))
    expect(near.map(([name]) => name)).toEqual(['proxy'])
    expect(services.flatMap(([, { networks }]) => networks).toSorted()).toEqual(
      [...Object.keys(compose.networks), ...parts.map((part) => `redis-${part}`)].toSorted(),
    )
  })

  test('Redis runs the configuration of infra/redis, whose files are there', () => {
    const { image, command, volumes, secrets } = compose.services.redis
    expect(image).toMatch(/^redis:7\.\d+-/)
    expect(command).toEqual(['redis-server', '/etc/pagepass/redis.conf'])
    expect(volumes).toContainEqual(
      expect.objectContaining({ source: './redis/redis.conf', target: '/etc/pagepass/redis.conf' }),
    )
    const options = new Map(
      textOf('infra/redis/redis.conf')
        .split('\n')
        .flatMap((line) =>
          /^[a-z]/.test(line) ? [line.split(/ (.*)/s).slice(0, 2) as [string, string]] : [],
        ),
    )
    expect(Object.fromEntries(options)).toMatchObject({
      port: '0',
      'tls-port': new URL(environmentOf('bot')['REDIS_URL'] ?? '').port,
      aclfile: '/run/secrets/redis_users',
      appendonly: 'yes',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
    })
    const files = [...options.values()].filter((value) => value.startsWith('/run/'))
    expect(files.map((file) => file.replace('/run/secrets/', '')).sort()).toEqual([...(secrets ?? [])].sort())
    expect([...options.keys()].join(' ')).not.toMatch(/requirepass|masterauth/)
  })

  test.each(parts)('%s is a Redis user of its own, and trusts the CA of Redis for Redis alone', (part) => {
    const { REDIS_URL: url = '', REDIS_CA: ca } = environmentOf(part)
    expect(new URL(url).username).toBe(part)
    expect(textOf('infra/redis/users.template')).toMatch(new RegExp(`^user ${part} on PASSWORD `, 'm'))
    expect(ca).toBe('/run/secrets/redis_ca')
    expect(textOf('infra/compose.yaml')).not.toContain('NODE_EXTRA_CA_CERTS')
  })
})

/** The instructions of a Dockerfile, with lines joined where they go on. */
const instructions = textOf('infra/Dockerfile')
  .replaceAll(/^\s*#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ name: line.slice(0, line.indexOf(' ')), rest: line.slice(line.indexOf(' ') + 1).trim() }))
const stages: (typeof instructions)[] = []
for (const instruction of instructions) {
  if (instruction.name === 'FROM') stages.push([])
  else stages.at(-1)?.push(instruction)
}
const final = stages.at(-1) ?? []
const inFinal = (name: string): string[] =>
  final.filter((instruction) => instruction.name === name).map(({ rest }) => rest)
const wordsOf = (rest: string): string[] => z.array(z.string()).parse(JSON.parse(rest))
/** What the last stage takes from the repository: each path, and where it goes. */
const copied = inFinal('COPY')
  .filter((rest) => !rest.startsWith('--from='))
  .flatMap((rest) => {
    const words = rest.split(' ')
    const to = words.at(-1) ?? ''
    return words.slice(0, -1).map((from) => ({ from, to: to.endsWith('/') ? join(to, from) : to }))
  })

describe('The image', () => {
  test('holds the product and nothing of the stand-ins, the tests or the repository', () => {
    const paths = ['access', 'bot', 'proxy', 'workers', 'cli', 'package.json', 'package-lock.json', 'LICENSE']
    expect(copied).toEqual(paths.map((path) => ({ from: path, to: path })))
    for (const { from } of copied) expect(existsSync(join(root, from)), from).toBe(true)
  })

  test('is built from these paths only', () => {
    const lines = textOf('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines[0]).toBe('*')
    expect(lines.slice(1)).toEqual(copied.map(({ from }) => `!${from}`))
  })

  test('has a base of one version, in each stage', () => {
    const version = /^NODE_IMAGE=node:(\d+\.\d+)-bookworm-slim$/.exec(
      instructions.find(({ name }) => name === 'ARG')?.rest ?? '',
    )?.[1]
    const froms = instructions.filter(({ name }) => name === 'FROM').map(({ rest }) => rest)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker fills it in
    expect(froms).toEqual(['${NODE_IMAGE} AS packages', '${NODE_IMAGE}'])
    const { devDependencies } = z
      .object({ devDependencies: z.object({ node: z.string() }) })
      .parse(JSON.parse(textOf('package.json')))
    expect(devDependencies.node, 'the version the tests run on').toMatch(new RegExp(`^${version}\\.`))
  })

  test('installs what is locked, without what is for development and without scripts', () => {
    const [runs] = (stages[0] ?? []).filter(({ name }) => name === 'RUN')
    expect(wordsOf(runs?.rest ?? '[]')).toEqual(
      expect.arrayContaining(['ci', '--omit=dev', '--ignore-scripts']),
    )
  })

  test('runs as a number that is not root, in production, without a shell', () => {
    expect(inFinal('USER')).toEqual(['10001:10001'])
    expect(inFinal('ENV').join(' ')).toContain('NODE_ENV=production')
    expect(inFinal('STOPSIGNAL')).toEqual(['SIGTERM'])
    expect(inFinal('VOLUME')).toEqual(['/var/lib/pagepass'])
    expect(wordsOf(inFinal('ENTRYPOINT')[0] ?? '')).toEqual(['node', 'cli/main.ts'])
    for (const { name, rest } of stages.flat())
      if (name === 'RUN' || name === 'CMD') expect(() => wordsOf(rest), rest).not.toThrow()
    for (const part of parts) expect(compose.services[part].user).toBe(inFinal('USER')[0])
  })

  test('says what it is', () => {
    const labels = inFinal('LABEL').join(' ')
    for (const label of ['title', 'description', 'licenses', 'version', 'revision', 'base.name'])
      expect(labels).toContain(`org.opencontainers.image.${label}=`)
  })

  const checks = [
    ['the image', () => wordsOf((inFinal('HEALTHCHECK')[0] ?? '').replace(/^.*?CMD /, '')), '/healthz'],
    ...parts.map(
      (part) => [part, () => compose.services[part].healthcheck.test.slice(1), '/readyz'] as const,
    ),
  ] as const
  test.each(checks)(
    'the health check of %s is passed by a 200 there, and by nothing else',
    async (_, check, path) => {
      let status = 200
      const asked: string[] = []
      const server = createServer((request, response) => {
        asked.push(request.url ?? '')
        response.writeHead(status).end()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const [, ...args] = check().map((word) => word.replace('127.0.0.1:9090', `127.0.0.1:${port}`))
      const run = () => runNode(args, { PAGEPASS_ADMIN_LISTEN: `0.0.0.0:${port}` })
      expect(await run()).toMatchObject({ code: 0 })
      status = 503
      expect(await run()).toMatchObject({ code: 1 })
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      expect(await run()).toMatchObject({ code: 1 })
      expect(asked).toEqual([path, path])
    },
  )
})

type Ran = { readonly code: number | string | null | undefined; readonly out: string; readonly err: string }
const runNode = (args: readonly string[], env: NodeJS.ProcessEnv, cwd = root): Promise<Ran> =>
  new Promise((resolve) => {
    const options = {
      cwd,
      env: { ...compileCache, PATH: dirname(process.execPath), ...env },
      timeout: 120_000,
    }
    execFile(process.execPath, args, options, (error, out, err) =>
      resolve({ code: error === null ? 0 : error.code, out, err }),
    )
  })

const lockShape = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })),
})

describe.concurrent('What the image holds, in a folder of its own,', () => {
  let folder: string
  let remove: () => Promise<void>
  beforeAll(async () => {
    ;({ folder, remove } = await aFolder())
    for (const { from, to } of copied) await cp(join(root, from), join(folder, to), { recursive: true })
    // What `npm ci --omit=dev` would install, as links.
    const { packages } = lockShape.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')))
    const installed = Object.entries(packages).filter(
      ([path, { dev }]) =>
        /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path) && !dev && existsSync(join(root, path)),
    )
    expect(installed.length).toBeGreaterThan(50)
    for (const [path] of installed) {
      await mkdir(join(folder, dirname(path)), { recursive: true })
      await symlink(join(root, path), join(folder, path))
    }
  })
  afterAll(() => remove())
  /** A package must find its own here too, and not where its link leads. */
  const env = { NODE_OPTIONS: '--preserve-symlinks --preserve-symlinks-main', NODE_ENV: 'production' }

  test('has the packages of production and no other', () => {
    expect(existsSync(join(folder, 'node_modules/ioredis/package.json'))).toBe(true)
    for (const none of ['node_modules/vitest', 'node_modules/node', 'infra', 'test'])
      expect(existsSync(join(folder, none)), none).toBe(false)
  })

  test('tells how it is used', async () => {
    const { code, out, err } = await runNode(['cli/main.ts', '--help'], env, folder)
    expect([code, err]).toEqual([0, ''])
    for (const part of parts) expect(out).toMatch(new RegExp(`^  ${part} `, 'm'))
  })

  test.each(parts)('starts %s as far as its configuration', async (part) => {
    const { code, err } = await runNode(['cli/main.ts', part], env, folder)
    expect(err).toMatch(new RegExp(`^${part}: PAGEPASS_\\w+: is missing\\n`))
    expect(err).toContain('REDIS_URL: is missing')
    expect(code).toBe(1)
  })
})

/** The bot scope that each method of Slack's Web API needs (https://docs.slack.dev/reference/methods). */
const scopeOf: Readonly<Record<string, string | undefined>> = {
  'auth.test': undefined,
  'chat.postMessage': 'chat:write',
  'chat.postEphemeral': 'chat:write',
  'chat.update': 'chat:write',
  'conversations.open': 'im:write',
  'usergroups.users.list': 'usergroups:read',
  'users.info': 'users:read',
  'users.lookupByEmail': 'users:read.email',
  'views.open': undefined,
  'views.update': undefined,
}

describe('The Slack app', async () => {
  const manifest = z
    .object({
      display_information: z.object({
        name: z.string().min(1).max(35),
        description: z.string().min(1).max(140),
        background_color: z.string().regex(/^#[0-9a-f]{6}$/),
      }),
      features: z.strictObject({
        bot_user: z.object({ display_name: z.string().min(1).max(80), always_online: z.boolean() }),
        slash_commands: z
          .array(
            z.strictObject({
              command: z.string().max(32),
              url: z.url({ protocol: /^https$/ }).max(3_000),
              description: z.string().min(1).max(2_000),
              usage_hint: z.string().min(1).max(1_000),
              should_escape: z.boolean(),
            }),
          )
          .length(1),
      }),
      oauth_config: z.strictObject({ scopes: z.strictObject({ bot: z.array(z.string()) }) }),
      settings: z.object({
        interactivity: z.strictObject({
          is_enabled: z.boolean(),
          request_url: z.url({ protocol: /^https$/ }),
        }),
        org_deploy_enabled: z.boolean(),
        socket_mode_enabled: z.boolean(),
        token_rotation_enabled: z.boolean(),
      }),
    })
    .parse(JSON.parse(textOf('infra/slack-manifest.json')))
  const [command] = manifest.features.slash_commands

  test('asks for the scopes of the methods that are called, and for no others', async () => {
    const called = new Set<string>()
    let commands = false
    for await (const file of glob('{access,bot,workers}/**/*.ts', { cwd: root })) {
      const source = await readFile(join(root, file), 'utf8')
      for (const [method] of source.matchAll(
        /\b(?:auth|bookmarks|chat|conversations|dialog|pins|reactions|team|usergroups|users|views)\.[a-zA-Z.]+(?=\()/g,
      ))
        if (!((method.split('.')[1] ?? '') in Array.prototype)) called.add(method)
      commands ||= /\bapp\.command\(/.test(source)
      expect(source, `${file}: call methods by name, so that this test sees them`).not.toMatch(/\bapiCall\(/)
    }
    expect([...called]).toContain('chat.postMessage')
    expect([...called].filter((method) => !(method in scopeOf))).toEqual([])
    const needed = new Set([...called].flatMap((method) => scopeOf[method] ?? []))
    if (commands) needed.add('commands')
    expect(manifest.oauth_config.scopes.bot).toEqual([...needed].toSorted())
  })

  test('asks for the scopes that the token is checked for', () => {
    expect(manifest.oauth_config.scopes.bot).toEqual([...neededScopes])
  })

  test('has the command that the bot listens to by default', () => {
    expect(command?.command).toBe(readBotConfig(environmentOf('bot')).SLACK_COMMAND)
  })

  test('sends commands and clicks to where the bot listens, by signed requests', () => {
    const urls = [command?.url, manifest.settings.interactivity.request_url]
    expect(urls).toEqual(Array(2).fill('https://pagepass.example.com/slack/events'))
    expect(textOf('bot/app.ts')).toContain("'/slack/events'")
    expect(manifest.settings).toMatchObject({
      interactivity: { is_enabled: true },
      socket_mode_enabled: false,
      org_deploy_enabled: false,
      token_rotation_enabled: false,
    })
  })

  test('its placeholder is told in the README', () => {
    expect(textOf('infra/README.md')).toContain('put your host in place of `pagepass.example.com`')
  })
})
