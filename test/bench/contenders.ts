import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StartedProcess, startProcess } from '#infra/sandbox/start/processes.ts'
import { steadyPort } from '../free-ports.ts'
import type { Program } from '../programs.ts'
import { answering } from './answering.ts'
import {
  type Bearer,
  caddyConfiguration,
  haproxyConfiguration,
  nginxConfiguration,
} from './contenders/configurations.ts'
import type { Ends } from './ends.ts'
import type { Tokens } from './tokens.ts'

/** A contender that runs. What its processes and their children use counts as its own. */
export type Contender = {
  readonly port: number
  readonly pids: readonly number[]
  /** The token that its requests carry. */
  readonly token: string
  /** Requests before anything is measured. */
  readonly warmUp: number
  /** What it has logged last. */
  readonly logTail: () => string
}

/** What a contender is started with. */
export type Kit = {
  readonly folder: string
  /** The port of the upstream of all. */
  readonly upstream: number
  readonly tokens: Tokens
  readonly programs: ReadonlyMap<Program, string>
  readonly ends: Ends
}

export type Recipe = {
  readonly needs?: Program
  readonly start: (name: string, kit: Kit) => Promise<Contender>
}

export const authServer =
  'bare Node, which looks the credential up in a Set (test/bench/contenders/auth-server.ts)'

/** Node compiles only what it was seen to use much. */
export const warmUps = { node: 20_000, both: 10_000, program: 1_000 } as const

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

const node =
  (file: string) =>
  async (name: string, kit: Kit): Promise<Contender> => {
    const port = await steadyPort()
    const { pid, logTail } = await startNode(name, file, [port, kit.upstream], kit, port)
    return { port, pids: [pid], token: kit.tokens.es256.token, warmUp: warmUps.node, logTail }
  }

const haproxy =
  (algorithm?: Bearer['algorithm']) =>
  async (name: string, kit: Kit): Promise<Contender> => {
    const port = await steadyPort()
    const { token, publicKey } = algorithm === 'RS256' ? kit.tokens.rs256 : kit.tokens.es256
    const file = join(kit.folder, `${name}.cfg`)
    const bearer = algorithm === undefined ? undefined : { algorithm, publicKey }
    await writeFile(file, haproxyConfiguration(port, kit.upstream, bearer))
    const { pid, logTail } = await start(name, program(kit, 'haproxy'), ['-db', '-f', file], kit, port)
    return { port, pids: [pid], token, warmUp: warmUps.program, logTail }
  }

/** A front that asks an auth server about every request. */
const asking =
  (
    front: 'nginx' | 'caddy',
    configuration: (port: number, upstream: number, auth: number, folder: string) => string,
    args: (file: string, folder: string) => readonly string[],
  ) =>
  async (name: string, kit: Kit): Promise<Contender> => {
    const [port, authPort] = [await steadyPort(), await steadyPort()]
    const { token } = kit.tokens.es256
    const auth = await startNode(
      `${name}-auth`,
      'contenders/auth-server.ts',
      [authPort, token],
      kit,
      authPort,
    )
    const file = join(kit.folder, `${name}.conf`)
    await writeFile(file, configuration(port, kit.upstream, authPort, kit.folder))
    const { pid, logTail } = await start(name, program(kit, front), args(file, kit.folder), kit, port)
    return { port, pids: [pid, auth.pid], token, warmUp: warmUps.both, logTail }
  }

/** In the order in which they take their turns. */
export const recipes = {
  node: { start: node('contenders/answer.ts') },
  undici: { start: node('contenders/undici.ts') },
  http_proxy: { start: node('contenders/http-proxy.ts') },
  httpxy: { start: node('contenders/httpxy.ts') },
  haproxy: { needs: 'haproxy', start: haproxy() },
  haproxy_rs256: { needs: 'haproxy', start: haproxy('RS256') },
  haproxy_es256: { needs: 'haproxy', start: haproxy('ES256') },
  nginx_auth_request: {
    needs: 'nginx',
    start: asking('nginx', nginxConfiguration, (file, folder) => [
      ...['-p', folder],
      ...['-e', 'stderr'],
      ...['-c', file],
    ]),
  },
  caddy_forward_auth: {
    needs: 'caddy',
    start: asking('caddy', caddyConfiguration, (file) => ['run', '--adapter', 'caddyfile', '--config', file]),
  },
} as const satisfies Record<string, Recipe>

const program = (kit: Kit, name: Program): string => {
  const path = kit.programs.get(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

/** A Node process of the bench itself, whose inspector would listen on `inspectPort` if it were asked to. */
export const startNode = (
  name: string,
  file: string,
  args: readonly (string | number)[],
  kit: Pick<Kit, 'folder' | 'ends'>,
  port: number,
  inspectPort?: number,
): Promise<StartedProcess> =>
  start(
    name,
    process.execPath,
    [
      ...(inspectPort === undefined ? [] : [`--inspect-port=${inspectPort}`]),
      here(file),
      ...args.map(String),
    ],
    kit,
    port,
  )

const start = async (
  name: string,
  command: string,
  args: readonly string[],
  { folder, ends }: Pick<Kit, 'folder' | 'ends'>,
  port: number,
): Promise<StartedProcess> => {
  // Caddy keeps what it writes below HOME.
  const env = { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const started = await startProcess({ name, command, args, env, logFile: join(folder, `${name}.log`) })
  ends(() => started.stop(3_000))
  await answering(port, started)
  return started
}
