import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { steadyPort } from '../free-ports.ts'
import { domain, until } from './proxy.ts'
import type { Received } from './upstream.ts'

/** What a front proxy shows that it may ask. */
export const frontSecret = 'front'.repeat(8)

export type FrontName = 'nginx' | 'caddy'
export const fronts: readonly FrontName[] = ['nginx', 'caddy']

export type FrontWishes = {
  /** Where the decision endpoint listens. */
  readonly authzPort: number
  /** Where the application of orders-svc listens, and that of payments-svc. */
  readonly orders: number
  readonly payments: number
  readonly secret?: string
  /** Whether only orders-svc is set up. */
  readonly alone?: boolean
}

/** The real nginx or Caddy, with the configuration that is shipped: only places, the domain and the secret are others. */
export const startFront = async (name: FrontName, wishes: FrontWishes) => {
  const folder = await mkdtemp(join(tmpdir(), `pagepass-${name}-`))
  const port = await steadyPort()
  const start = name === 'nginx' ? startNginx : startCaddy
  const child = await start(folder, port, { secret: frontSecret, alone: false, ...wishes })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  const ended = once(child, 'exit')
  try {
    await until(() => {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`)
      return answersAt(port)
    }, `${name} to listen`)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {
    port,
    stop: async (): Promise<void> => {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type Front = Awaited<ReturnType<typeof startFront>>

const shipped = (file: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../infra/front-proxies/${file}`, import.meta.url)), 'utf8')

/** Puts something else everywhere; what is not there at all was renamed in what is shipped. */
const put = (text: string, pairs: readonly (readonly [string, string])[]): string => {
  for (const [from] of pairs) if (!text.includes(from)) throw new Error(`the shipped file has no ${from}`)
  return pairs.reduce((so, [from, to]) => so.replaceAll(from, to), text)
}

type Places = Required<FrontWishes>

const startNginx = async (folder: string, port: number, wishes: Places): Promise<ChildProcess> => {
  const secretFile = join(folder, 'secret.conf')
  await writeFile(secretFile, `proxy_set_header X-Pagepass-Front "${wishes.secret}";\n`, { mode: 0o600 })
  const orders = put(await shipped('nginx.conf'), [
    ['127.0.0.1:8181', `127.0.0.1:${wishes.authzPort}`],
    ['127.0.0.1:9001', `127.0.0.1:${wishes.orders}`],
    ['listen 8080', `listen 127.0.0.1:${port}`],
    ['access.example.com', domain],
    ['/etc/nginx/pagepass-secret.conf', secretFile],
  ])
  // The second service is one more upstream and one more server, as the file says.
  const payments = `upstream payments_svc { server 127.0.0.1:${wishes.payments}; }\n${put(
    orders.slice(orders.indexOf('\nserver {')),
    [
      ['orders-svc.', 'payments-svc.'],
      ['orders_svc', 'payments_svc'],
    ],
  )}`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  )
  const file = join(folder, 'nginx.conf')
  await writeFile(
    file,
    `daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr warn;
     events { worker_connections 256; }
     http { access_log off; ${temporary.join(' ')}\n${orders}\n${wishes.alone ? '' : payments}\n}`,
  )
  return run('nginx', ['-p', folder, '-c', file, '-e', 'stderr'], {})
}

const startCaddy = async (folder: string, port: number, wishes: Places): Promise<ChildProcess> => {
  const orders = put(await shipped('Caddyfile'), [
    ['127.0.0.1:8181', `127.0.0.1:${wishes.authzPort}`],
    ['127.0.0.1:9001', `127.0.0.1:${wishes.orders}`],
    ['orders-svc.access.example.com', `http://orders-svc.${domain}:${port}`],
  ])
  const payments = put(orders.slice(orders.indexOf('http://orders-svc')), [
    ['orders-svc.', 'payments-svc.'],
    [`127.0.0.1:${wishes.orders}`, `127.0.0.1:${wishes.payments}`],
  ])
  const file = join(folder, 'Caddyfile')
  await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${orders}\n${wishes.alone ? '' : payments}\n`)
  return run('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
    PAGEPASS_FRONT_SECRET: wishes.secret,
    HOME: folder,
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
  })
}

const places = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin']

const run = (name: string, args: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess => {
  const command = places.map((place) => join(place, name)).find(existsSync)
  if (command === undefined)
    throw new Error(
      `${name} is not installed: apt-get install nginx haproxy caddy (and stop what that starts)`,
    )
  return spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
}

const answersAt = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** What a front proxy asks, in its own words. */
export type Asking = {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  readonly token?: string
  /** Undefined leaves it out. */
  readonly secret?: string | undefined
  /** More header lines. */
  readonly more?: readonly string[]
  /** Names of header lines that are left out. */
  readonly without?: readonly string[]
}

const ordersHost = `orders-svc.${domain}`

/** The bytes of a question as nginx asks it by the shipped configuration. */
export const asNginx = ({
  method = 'GET',
  target = '/v1/orders',
  host = ordersHost,
  ...it
}: Asking): string =>
  bytesOf('GET /nginx', it, [
    'Host: pagepass_authz',
    `X-Original-Method: ${method}`,
    `X-Original-URI: ${target}`,
    `X-Original-Host: ${host}`,
    `X-Original-Vhost: ${host.toLowerCase().split(':')[0]}`,
    'X-Original-Upgrade: no',
    'X-Original-For: 192.0.2.7',
  ])

/** The bytes of a question as Caddy and Traefik ask it. */
export const asForwardAuth = ({
  method = 'GET',
  target = '/v1/orders',
  host = ordersHost,
  ...it
}: Asking): string =>
  bytesOf('GET /forward-auth', it, [
    'Host: 127.0.0.1',
    `X-Forwarded-Method: ${method}`,
    `X-Forwarded-Uri: ${target}`,
    `X-Forwarded-Host: ${host}`,
    'X-Forwarded-Proto: https',
    'X-Forwarded-For: 192.0.2.7',
  ])

/** The bytes of a question as Envoy asks it. */
export const asEnvoy = ({
  method = 'GET',
  target = '/v1/orders',
  host = ordersHost,
  ...it
}: Asking): string =>
  bytesOf(`${method} /envoy${target}`, it, [`Host: ${host}`, 'X-Forwarded-For: 192.0.2.7'])

const bytesOf = (
  asked: string,
  { token, more = [], without = [], ...it }: Asking,
  told: readonly string[],
): string => {
  const secret = 'secret' in it ? it.secret : frontSecret
  return [
    `${asked} HTTP/1.1`,
    ...(secret === undefined ? [] : [`X-Pagepass-Front: ${secret}`]),
    ...told.filter((line) => !without.includes(line.split(':')[0] ?? '')),
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...more,
    '',
    '',
  ].join('\r\n')
}

/** One assertion by any spelling that a server might take for it, and it is ours. */
export const expectOneAssertion = (
  seen: Pick<Received, 'rawHeaders'>,
  claims: Readonly<Record<string, unknown>>,
): void => {
  const ours = seen.rawHeaders.filter(
    ([name]) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-') === 'x-pagepass-assertion',
  )
  expect(ours).toHaveLength(1)
  const [, payload = ''] = (ours[0]?.[1] ?? '').split('.')
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject(claims)
}
