import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { people } from '#infra/sandbox/people.ts'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import { prepareFolder } from '#infra/sandbox/stack.ts'
import { freePorts } from '../free-ports.ts'
import { percentile, round } from '../measure.ts'
import { ensurePrograms } from '../programs.ts'
import { type Contender, type Kit, type Recipe, recipes, startNode, warmUps } from './contenders.ts'
import { cpuBetween, readCpu } from './cpu.ts'
import { type Ends, withEnds } from './ends.ts'
import { type Inspector, openInspector } from './inspector.ts'
import { startIssuer } from './issuer.ts'
import type { Load, Loaded } from './load.ts'
import { type Memory, settledMemory } from './memory.ts'
import { type RunningPagepass, startPagepass } from './pagepass.ts'
import { profileWhile, topSelf } from './profile.ts'
import { oneGrant, type Sample } from './proxy-figures.ts'
import { connections, contenderNames, host, path, services } from './proxy-scene.ts'
import { reportProxy } from './report-proxy.ts'
import { askedFor, benchRules, serviceNames } from './rule-set.ts'
import { bothAlgorithms } from './tokens.ts'

export type ProxyBenchOptions = {
  readonly json: boolean
  readonly rounds: number
  readonly requests: number
  readonly grants: number
  /** Only these. */
  readonly contenders?: readonly string[]
  /** Where a CPU profile of Pagepass is written. */
  readonly profile?: string
}

/**
 * CPU per request of Pagepass doing its whole job (identity, decision, limiter, audit written before forwarding) beside
 * proxies that do less: same upstream, same load, in interleaved rounds of one run. Every other round goes backwards, so
 * that nobody always follows the same one.
 */
export const benchProxy = (options: ProxyBenchOptions): Promise<void> =>
  withEnds((ends) => compare(options, ends))

const compare = async (options: ProxyBenchOptions, ends: Ends): Promise<void> => {
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const { rounds, requests, grants } = options
  const wanted = options.contenders ?? contenderNames
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-bench-'))
  ends(() => rm(folder, { recursive: true, force: true }))
  const ports = await freePorts()
  const prepared = await prepareFolder(folder, ports)
  const idp = await startIdp({}, ports.idp)
  ends(idp.close)
  await writeFile(prepared.rules, benchRules({ issuer: idp.issuer, upstream: ports.orders, services }))
  const tokens = await bothAlgorithms(idp.issuer, await idp.tokenFor(people.ana), folder)
  await startNode('upstream', 'contenders/answer.ts', [ports.orders], { folder, ends }, ports.orders)

  const { running, missing } = await startOthers(
    wanted,
    { folder, upstream: ports.orders, tokens, ends },
    say,
  )
  const redis = await ensureRedis({ folder: join(folder, 'redis'), port: ports.redis, say })
  ends(redis.stop)
  const ours = new Map<string, RunningPagepass>()
  for (const [database, name, others] of [
    [0, 'pagepass', grants - 1],
    [1, oneGrant, 0],
  ] as const) {
    if (!wanted.includes(name)) continue
    const url = `${redis.url}/${database}`
    say(`${name}: giving ${others + 1} grants, and starting it …`)
    const issuer = await startIssuer(prepared, url, {
      subject: people.ana.subject,
      others,
      services: [askedFor, ...serviceNames(services).slice(1)],
    })
    ends(issuer.stop)
    const pagepass = await startPagepass(name, prepared, url, ends)
    ours.set(name, pagepass)
    const { pid, logTail } = pagepass.process
    running.set(name, {
      port: pagepass.port,
      pids: [pid],
      token: tokens.es256.token,
      warmUp: warmUps.node,
      logTail,
    })
  }

  const load = fork(fileURLToPath(new URL('load-main.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  ends(() => load.kill())
  const drive = async ({ port, token, logTail }: Contender, count: number): Promise<Loaded> => {
    try {
      return await driveLoad(load, { port, host, path, token, connections, requests: count })
    } catch (error) {
      throw new Error(`${(error as Error).message}\nThe contender logged last:\n${logTail()}`)
    }
  }

  say('warming up')
  for (const contender of running.values()) await drive(contender, Math.max(requests, contender.warmUp))
  const samples = new Map<string, Sample[]>([...running.keys()].map((name) => [name, []]))
  for (let number = 1; number <= rounds; number += 1) {
    say(`round ${number} of ${rounds}`)
    const turns = [...running]
    for (const [name, contender] of number % 2 === 1 ? turns : turns.toReversed()) {
      const before = readCpu(contender.pids)
      const { seconds, latencies, closed } = await drive(contender, requests)
      const answered = latencies.length
      samples.get(name)?.push({
        cpu: cpuBetween(before, readCpu(contender.pids)) / answered,
        rps: answered / seconds,
        p99: percentile(latencies, 0.99),
        closed,
      })
    }
  }

  const inspectors = new Map<string, Inspector>()
  for (const [name, { servingPid, inspectPort }] of ours) {
    const inspector = await openInspector(servingPid, inspectPort)
    ends(inspector.close)
    inspectors.set(name, inspector)
  }
  const pagepass = running.get('pagepass')
  const inspector = inspectors.get('pagepass')
  if (options.profile !== undefined && pagepass !== undefined && inspector !== undefined) {
    const work = () => drive(pagepass, requests * 3)
    const profile = await profileWhile(inspector, work, options.profile)
    say(`where Pagepass’s main thread spends its time (${options.profile}):`)
    for (const { share, where } of topSelf(profile, 40)) say(`${round(share * 100, 1)} %  ${where}`)
  }
  const memory = new Map<string, Memory>()
  for (const [name, inspector] of inspectors)
    memory.set(name, await settledMemory(ours.get(name)?.servingPid ?? 0, inspector))
  reportProxy({ ...options, missing }, { grants, samples, memory })
}

/** Those that can't be had are told, by name. */
const startOthers = async (
  wanted: readonly string[],
  kit: Omit<Kit, 'programs'>,
  say: (line: string) => void,
): Promise<{ running: Map<string, Contender>; missing: string[] }> => {
  const chosen: [string, Recipe][] = Object.entries(recipes).filter(([name]) => wanted.includes(name))
  const needed = new Set(chosen.flatMap(([, { needs }]) => (needs === undefined ? [] : [needs])))
  const programs = await ensurePrograms([...needed], say)
  const running = new Map<string, Contender>()
  const missing: string[] = []
  for (const [name, { needs, start }] of chosen) {
    if (needs === undefined || programs.has(needs)) running.set(name, await start(name, { ...kit, programs }))
    else {
      missing.push(name)
      say(`${name} is missing: ${needs} is not installed`)
    }
  }
  return { running, missing }
}

const driveLoad = async (load: ChildProcess, what: Load): Promise<Loaded> => {
  load.send(what)
  const [answer] = (await once(load, 'message')) as [Loaded | { error: string }]
  if ('error' in answer) throw new Error(`the load on port ${what.port} failed: ${answer.error}`)
  if (answer.latencies.length === 0) throw new Error(`the load on port ${what.port} got no answer but 503`)
  return answer
}
