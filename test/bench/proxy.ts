import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { people } from '#infra/sandbox/people.ts'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import { type Ports, prepareFolder, readyUrl, startPart } from '#infra/sandbox/stack.ts'
import { stopProcesses } from '#infra/sandbox/start/processes.ts'
import { waitReady } from '#infra/sandbox/start/ready.ts'
import { freePorts } from '../free-ports.ts'
import { startIssuer } from '../issuer.ts'
import { median, percentile, round } from '../measure.ts'
import { cpuMicroseconds } from './cpu.ts'
import type { Load, Loaded } from './load.ts'

export type BenchOptions = {
  readonly json: boolean
  readonly rounds: number
  readonly requests: number
  readonly grants: number
}

type Contender = { readonly name: string; readonly pid: number; readonly port: number }
type Sample = { readonly cpu: number; readonly rps: number; readonly p99: number; readonly closed: number }

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const connections = 64
const host = 'orders-svc.localhost'
const path = '/v1/orders'

/**
 * CPU per request of Pagepass doing its whole job (identity, decision, limiter, audit written before forwarding)
 * beside proxies that only pass through: same upstream, same load, in interleaved rounds of one run.
 */
export const benchProxy = async (options: BenchOptions): Promise<void> => {
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-bench-'))
  const ports = await freePorts()
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  try {
    const redis = await ensureRedis({ folder: join(folder, 'redis'), port: ports.redis, say })
    stops.push(() => redis.stop())
    const prepared = await prepareFolder(folder, ports)
    await writeFile(prepared.rules, benchRules(ports))
    const idp = await startIdp({}, ports.idp)
    stops.push(() => idp.close())
    const token = await idp.tokenFor(people.ana)

    const spawn = async (file: string, port: number): Promise<Contender> => {
      const child = fork(here(file), [String(port), String(ports.orders)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      stops.push(async () => child.kill())
      await answering(port)
      return { name: file.replace(/^.*\/|\.ts$/g, '').replaceAll('-', '_'), pid: child.pid ?? 0, port }
    }
    await spawn('contenders/answer.ts', ports.orders)
    const issuer = await startIssuer(prepared, redis.url)
    stops.push(issuer.stop)
    say(`giving ${options.grants} grants …`)
    await issuer.give(options.grants, people.ana.subject)
    const proxy = await startPart('proxy', prepared, redis.url)
    stops.push(() => stopProcesses([proxy]))
    await waitReady(readyUrl('proxy', ports), { process: proxy })

    const contenders: Contender[] = [
      { ...(await spawn('contenders/answer.ts', ports.payments)), name: 'node' },
      await spawn('contenders/undici.ts', ports.slack),
      await spawn('contenders/http-proxy.ts', ports.pagerduty),
      { name: 'pagepass', pid: proxy.pid, port: ports.proxy },
    ]
    const load = fork(here('load-main.ts'), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    stops.push(async () => load.kill())

    const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]))
    for (const { port } of contenders)
      await drive(load, { port, host, path, token, connections, requests: options.requests })
    for (let number = 1; number <= options.rounds; number += 1) {
      say(`round ${number} of ${options.rounds}`)
      for (const { name, pid, port } of contenders) {
        const before = cpuMicroseconds(pid)
        const { seconds, latencies, closed } = await drive(load, {
          port,
          host,
          path,
          token,
          connections,
          requests: options.requests,
        })
        const cpu = (cpuMicroseconds(pid) - before) / latencies.length
        samples
          .get(name)
          ?.push({ cpu, rps: latencies.length / seconds, p99: percentile(latencies, 0.99), closed })
      }
    }
    report(options, samples)
  } finally {
    for (const stop of stops.toReversed()) await stop()
  }
}

const answering = async (port: number): Promise<void> => {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing answers on port ${port}`)
}

const drive = async (load: ChildProcess, what: Load): Promise<Loaded> => {
  load.send(what)
  const [answer] = (await once(load, 'message')) as [Loaded | { error: string }]
  if ('error' in answer) throw new Error(`the load on port ${what.port} failed: ${answer.error}`)
  return answer
}

const report = (
  { json, rounds, requests, grants }: BenchOptions,
  samples: ReadonlyMap<string, readonly Sample[]>,
): void => {
  const of = (field: keyof Sample) =>
    Object.fromEntries(
      [...samples].map(([name, all]) => [name, round(median(all.map((sample) => sample[field])))]),
    )
  const cpu = of('cpu')
  const ours = cpu['pagepass'] ?? Number.NaN
  const ratios = Object.fromEntries(
    Object.entries(cpu)
      .filter(([name]) => name !== 'pagepass')
      .map(([name, other]) => [name, round(ours / other)]),
  )
  const result = {
    name: 'proxy',
    rounds,
    requests,
    connections,
    grants,
    cpu_us: cpu,
    rps: of('rps'),
    p99_ms: of('p99'),
    /** Requests that Pagepass answered with 503 because the disk under its audit stalled. */
    closed: samples.get('pagepass')?.reduce((sum, { closed }) => sum + closed, 0) ?? 0,
    ratios,
  }
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  process.stdout.write(
    'CPU per request in µs, requests/s and p99 in ms (medians); ratio is Pagepass ÷ this\n',
  )
  for (const name of samples.keys()) {
    const figures = [cpu[name], result.rps[name], result.p99_ms[name], ratios[name] ?? '']
    process.stdout.write(
      `${name.padEnd(12)}${figures.map((figure) => String(figure).padStart(12)).join('')}\n`,
    )
  }
}

/** One service whose limits don't bind. */
const benchRules = (ports: Ports): string => `
version: 1
environment: sandbox
domain: localhost
identity: { issuer: "http://127.0.0.1:${ports.idp}", audience: pagepass }
people: { payments: { groups: [team-payments] } }
tiers: { observe: { longest: 8h, rate: 900000/s, when_stale: 15m } }
services:
  orders-svc:
    releases: { blue: "http://127.0.0.1:${ports.orders}" }
    serve: blue
    channel: "#inc-orders"
    owners: [payments]
    tiers: { observe: [GET /v1/orders, GET /v1/orders/*] }
on_request: [{ who: [payments], tiers: [observe], how: at once }]
`
