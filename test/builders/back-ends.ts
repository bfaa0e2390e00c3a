import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { steadyPort } from '../free-ports.ts'
import { findPrograms } from '../programs.ts'
import { until } from './proxy.ts'
import { type Connection, type Reading, type Received, startUpstream, type Upstream } from './upstream.ts'

/** The servers that are put in front of the Node server. */
export const otherServers = ['nginx', 'haproxy'] as const
export const backEnds = ['node', ...otherServers] as const
export type BackEnd = (typeof backEnds)[number]

/** Where nginx and HAProxy answer themselves, with 200, whatever is asked: also where a WebSocket is. */
export const deafTarget = '/live/deaf'

/**
 * A service that is reached through a server of this kind, started for a test. nginx and HAProxy say in headers of their
 * own how they read a request, and pass it on to a Node server, which records that; they serve nothing else but `deafTarget`. What comes
 * to them comes through a relay, which keeps every byte.
 */
export const startBackEnd = async (kind: BackEnd): Promise<Upstream> =>
  kind === 'node' ? startUpstream() : startBehind(kind)

const startBehind = async (kind: Exclude<BackEnd, 'node'>): Promise<Upstream> => {
  const recorder = await startUpstream()
  const server = await startServer(kind, recorder.port).catch(async (error: unknown) => {
    await recorder.close()
    throw error
  })
  const relay = await startRelay(server.port)
  return {
    url: `http://127.0.0.1:${relay.port}`,
    port: relay.port,
    received: () => {
      const ports = relay.openedFrom()
      return recorder
        .received()
        .map(asReadBy(kind))
        .flatMap(({ from, received }) => (ports.has(from) ? [received] : []))
    },
    connections: relay.connections,
    lines: () => {
      const ports = relay.openedFrom()
      return recorder.lines().flatMap((line) => {
        const { told, rawHeaders } = readHeaders(line.rawHeaders)
        return ports.has(Number(told.get('port'))) ? [{ ...line, rawHeaders }] : []
      })
    },
    bytes: () =>
      relay
        .connections()
        .map((one) => one.bytes())
        .join(''),
    answerWith: recorder.answerWith,
    scriptWith: () => {
      throw new Error(`${kind} answers as it does: only Node's bare socket can be scripted`)
    },
    forget: () => {
      relay.forget()
      recorder.forget()
    },
    close: async () => {
      await relay.close()
      await server.stop()
      await recorder.close()
    },
  }
}

/** How the servers tell what they read. */
const prefix = 'x-back-end-'

/** What a request was to a server, and from which port it came there; without the headers that told it. */
const asReadBy =
  (by: BackEnd) =>
  (one: Received): { readonly from: number; readonly received: Received } => {
    const { told, rawHeaders } = readHeaders(one.rawHeaders)
    const [method, target] = [told.get('method') ?? '', told.get('target') ?? '']
    const identity = Object.fromEntries(identityHeaders.map((name) => [name, told.get(name)]))
    // In brackets, as what stands at the edges of a header is cut off.
    const path = (told.get('path') ?? '').slice(1, -1)
    const read: Reading = { by, method, target, path, identity }
    return { from: Number(told.get('port')), received: { ...one, method, target, rawHeaders, read } }
  }

/** What a server told of a request in headers of its own, and the other headers. */
const readHeaders = (all: Received['rawHeaders']) => {
  const told = new Map<string, string>()
  const rawHeaders: (readonly [string, string])[] = []
  for (const [name, value] of all) {
    const lower = name.toLowerCase()
    if (lower.startsWith(prefix)) told.set(lower.slice(prefix.length), value)
    else rawHeaders.push([name, value])
  }
  return { told, rawHeaders }
}

/** What says who asks, from where and for what: each of them is ours alone. */
export const identityHeaders = [
  'forwarded',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-pagepass-assertion',
  'host',
]

/** How the server itself reads a request that reached it. */
export const readingOf = (one: Received): Reading => {
  if (one.read !== undefined) return one.read
  const heard = (name: string): string | undefined => {
    const value = one.request.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    by: 'node',
    method: one.method,
    target: one.target,
    path: URL.parse(one.target, 'http://service')?.pathname ?? '',
    identity: Object.fromEntries(identityHeaders.map((name) => [name, heard(name)])),
  }
}

/** What the server must take a canonical path for: nginx chooses by what it decoded, the others by what was written. */
export const pathTo = (by: string, path: string): string =>
  by === 'nginx'
    ? path.replaceAll(/%([0-9A-F]{2})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      )
    : path

const startServer = async (kind: Exclude<BackEnd, 'node'>, recorder: number) => {
  const command = (await findPrograms([kind])).get(kind)
  if (command === undefined)
    throw new Error(`${kind} is not installed: apt-get install nginx haproxy caddy (and stop what starts)`)
  const folder = await mkdtemp(join(tmpdir(), `pagepass-${kind}-`))
  const port = await steadyPort()
  const file = join(folder, 'configuration')
  const [text, args] =
    kind === 'nginx'
      ? [nginxConfiguration(port, recorder, folder), ['-p', folder, '-e', join(folder, 'said'), '-c', file]]
      : [haproxyConfiguration(port, recorder), ['-db', '-f', file]]
  await writeFile(file, text)
  const child = spawn(command, args, { env: {}, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until(async () => {
      if (child.exitCode === null) return answersAt(port)
      throw new Error(`${kind} ended: ${said}${await readFile(join(folder, 'said'), 'utf8').catch(() => '')}`)
    }, `${kind} to listen`)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, stop }
}

const answersAt = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** As it reads most: also names that it would leave out by default, bodies as they come, and every upgrade. */
const nginxConfiguration = (port: number, recorder: number, folder: string): string => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/said error;
events { worker_connections 2048; }
http {
  access_log off;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `  ${of}_temp_path ${folder}/${of};`).join('\n')}
  underscores_in_headers on;
  ignore_invalid_headers off;
  client_max_body_size 0;
  large_client_header_buffers 8 64k;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  proxy_headers_hash_max_size 2048;
  proxy_headers_hash_bucket_size 128;
  map $http_upgrade $upgrade_or_close {
    default upgrade;
    "" close;
  }
  server {
    listen 127.0.0.1:${port};
    location = ${deafTarget} { return 200 "a usable channel"; }
    location / {
      proxy_pass http://127.0.0.1:${recorder};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 3600s;
      proxy_send_timeout 3600s;
      proxy_next_upstream off;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $upgrade_or_close;
      proxy_set_header Host $http_host;
      proxy_set_header X-Back-End-Port $remote_port;
      proxy_set_header X-Back-End-Method $request_method;
      proxy_set_header X-Back-End-Target $request_uri;
      proxy_set_header X-Back-End-Path <$uri>;
${identityHeaders
  .map((name) => `      proxy_set_header X-Back-End-${name} $http_${name.replaceAll('-', '_')};`)
  .join('\n')}
    }
  }
}
`

/** Of an identity header it tells nothing when it has two of them. The path is told after all that it can normalise. */
const haproxyConfiguration = (port: number, recorder: number): string => `
global
  nbthread 1
  maxconn 2048
  tune.bufsize 131072
  tune.http.maxhdr 400
  expose-experimental-directives
defaults
  mode http
  timeout connect 30s
  timeout client 3600s
  timeout server 3600s
  timeout tunnel 3600s
frontend in
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "a usable channel" if { path ${deafTarget} }
  http-request set-header X-Back-End-Port %[src_port]
  http-request set-header X-Back-End-Method %[method]
  http-request set-header X-Back-End-Target %[url]
${identityHeaders
  .map(
    (name) =>
      `  http-request set-header X-Back-End-${name} %[req.fhdr(${name})] if { req.fhdr_cnt(${name}) eq 1 }`,
  )
  .join('\n')}
  http-request normalize-uri percent-to-uppercase
  http-request normalize-uri percent-decode-unreserved
  http-request normalize-uri path-merge-slashes
  http-request normalize-uri path-strip-dot
  http-request normalize-uri path-strip-dotdot full
  http-request set-header X-Back-End-Path <%[path]>
  default_backend service
backend service
  option http-server-close
  server service 127.0.0.1:${recorder}
`

/** Passes bytes on both ways, and keeps those that go to the server. */
const startRelay = async (to: number) => {
  const sockets = new Set<Socket>()
  let connections: Connection[] = []
  let ports = new Set<number>()

  const keep = (socket: Socket, other: () => Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      other().destroySoon()
    })
  }
  const listening = createServer((client) => {
    const server = connect({ port: to, host: '127.0.0.1' })
    const own = ports
    let bytes = ''
    keep(client, () => server)
    keep(server, () => client)
    client.setNoDelay(true)
    server.setNoDelay(true)
    connections.push({ socket: client, bytes: () => bytes, closed: () => client.destroyed })
    client.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1')
    })
    server.once('connect', () => void own.add((server.address() as AddressInfo).port))
    client.pipe(server)
    server.pipe(client)
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))

  const forget = (): void => {
    connections = []
    ports = new Set()
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (listening.address() as AddressInfo).port,
    connections: (): readonly Connection[] => connections,
    /** The ports from which the server was asked since the last `forget`. */
    openedFrom: (): ReadonlySet<number> => ports,
    forget,
    close: async (): Promise<void> => {
      forget()
      await new Promise<void>((resolve) => listening.close(() => resolve()))
    },
  }
}
