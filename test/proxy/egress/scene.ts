import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { PairFiles } from '#proxy/tls/pair.ts'
import { makePair } from '../../builders/certificate.ts'
import { type ProxyUnderTest, type ProxyWishes, startProxyForTest } from '../../builders/proxy.ts'
import { type Answer, ask } from '../../builders/raw-client.ts'
import { startUpstream } from '../../builders/upstream.ts'
import { steadyPort } from '../../free-ports.ts'

/** Ends TLS in front of an upstream, which so records what came by it. */
const endTls = async (files: PairFiles, host: string, port: number) => {
  const sockets = new Set<Socket>()
  const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)])
  const server: Server = createServer({ cert, key }, (socket) => {
    const behind = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

type Wishes = Pick<ProxyWishes, 'bot' | 'proxyRedisUrl' | 'drain'> & {
  /** The listener speaks TLS. */
  readonly overTls?: boolean
}

/**
 * A proxy with an egress listener, and what is outside: an origin that speaks HTTP and one that speaks TLS (`trusted`),
 * one whose certificate nobody signed whom we know, and one whose certificate is for another name. All of TLS end at
 * `secure`.
 */
export const startEgressScene = async (
  redisUrl: string,
  database: number,
  { overTls = false, ...wishes }: Wishes = {},
) => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-egress-'))
  const [known, unknown, own] = await Promise.all(
    ['known', 'unknown', 'own'].map((name) => makePair(folder, name)),
  )
  if (known === undefined || unknown === undefined || own === undefined) throw new Error('three pairs')
  const roots = getCACertificates('default')
  setDefaultCACertificates([...roots, await readFile(known.cert, 'utf8')])
  const plain = await startUpstream()
  const secure = await startUpstream()
  const trusted = await endTls(known, '127.0.0.1', secure.port)
  const untrusted = await endTls(unknown, '127.0.0.1', secure.port)
  const misnamed = await endTls(known, '127.0.0.2', secure.port)
  const port = await steadyPort()
  const redisPort = new URL(redisUrl).port
  const at = {
    plain: `127.0.0.1:${plain.port}`,
    trusted: `127.0.0.1:${trusted.port}`,
    untrusted: `127.0.0.1:${untrusted.port}`,
    misnamed: `127.0.0.2:${misnamed.port}`,
    /** A name that leads to this machine, to where `plain` listens. */
    local: `localhost:${plain.port}`,
    redis: `127.0.0.1:${redisPort}`,
    metadata: '169.254.169.254',
    nobody: '127.0.0.1:9',
    /** The listener that is asked. */
    self: `127.0.0.1:${port}`,
  }
  const origins = [
    ...(['plain', 'local', 'redis', 'metadata', 'nobody', 'self'] as const).map(
      (name) => `http://${at[name]}`,
    ),
    ...(['trusted', 'untrusted', 'misnamed'] as const).map((name) => `https://${at[name]}`),
  ]
  const proxy: ProxyUnderTest = await startProxyForTest(redisUrl, database, {
    ...wishes,
    egress: { port, ...(overTls ? { tls: own } : {}) },
    mend: (
      text,
    ) => `${text.replace('[client-checkout] }', '[client-checkout] }\n  ledger: { subjects: [client-ledger] }')}
egress:
  - from: checkout
    to: [${origins.map((origin) => `"${origin}"`).join(', ')}]
    allow: [GET /v1/**, POST /v1/**, PUT /v1/**]
  - { name: rates, from: [checkout, ledger], to: "http://${at.plain}", allow: [GET /rates] }
`,
  })

  const tokenOf = (sub: string): Promise<string> => proxy.signed({ sub, groups: [] })
  const bytesOf = async (
    line: string,
    more: readonly string[] = [],
    { sub = 'client-checkout', body = '', host }: { sub?: string; body?: string; host?: string } = {},
  ): Promise<string> => {
    const authority = /^\w+ \w+:\/\/([^/]*)/.exec(line)?.[1] ?? ''
    return [
      `${line} HTTP/1.1`,
      `Host: ${host ?? authority}`,
      ...(sub === '' ? [] : [`Proxy-Authorization: Bearer ${await tokenOf(sub)}`]),
      ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
      ...more,
      '',
      body,
    ].join('\r\n')
  }

  return {
    proxy,
    plain,
    secure,
    at,
    tokenOf,
    bytesOf,
    call: async (...asked: Parameters<typeof bytesOf>): Promise<Answer> =>
      ask(proxy.egressPort, await bytesOf(...asked)),
    /** Every byte that went out. */
    out: (): string => plain.bytes() + secure.bytes() + proxy.orders.bytes() + proxy.payments.bytes(),
    startOver: async (): Promise<void> => {
      plain.forget()
      secure.forget()
      await proxy.startOver()
    },
    stop: async (): Promise<void> => {
      await proxy.stop()
      await Promise.all([trusted, untrusted, misnamed, plain, secure].map((one) => one.close()))
      setDefaultCACertificates(roots)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type EgressScene = Awaited<ReturnType<typeof startEgressScene>>
