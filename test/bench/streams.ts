import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { people } from '#infra/sandbox/people.ts'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import { prepareFolder } from '#infra/sandbox/stack.ts'
import { freePorts, steadyPort } from '../free-ports.ts'
import { percentile, round } from '../measure.ts'
import { startNode } from './contenders.ts'
import { type Ends, withEnds } from './ends.ts'
import { type Inspector, openInspector } from './inspector.ts'
import { startIssuer } from './issuer.ts'
import { settledMemory } from './memory.ts'
import { startPagepass } from './pagepass.ts'
import { askedFor, benchRules } from './rule-set.ts'
import type { Done, Order } from './streams/clients-main.ts'
import type { ServiceSaw } from './streams/service-main.ts'

export type StreamsBenchOptions = {
  readonly json: boolean
  readonly rounds: number
  readonly sockets: number
}

/** How many of the sockets send frames all the time, in the rounds that look whether one gets through. */
const flooding = 64
const floodMs = 300
/** So many were open and closed again before memory is looked at. */
const warmUp = 200
const cutWithinMs = 60_000

type Cut = {
  /** Each socket, from the moment that the revocation was asked for until the client saw the end, in milliseconds. */
  readonly took: readonly number[]
  readonly told: number
  readonly frames: number
  readonly late: number
}

/**
 * Many idle WebSockets under one grant: what each costs beside a bare relay, how long after a revocation the last one is
 * cut, and whether a frame gets through once the cut has begun. In as many further rounds some of the sockets send all the
 * time.
 */
export const benchStreams = (options: StreamsBenchOptions): Promise<void> =>
  withEnds((ends) => measure(options, ends))

const measure = async ({ json, rounds, sockets }: StreamsBenchOptions, ends: Ends): Promise<void> => {
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-bench-'))
  ends(() => rm(folder, { recursive: true, force: true }))
  const ports = await freePorts()
  const prepared = await prepareFolder(folder, ports)
  const idp = await startIdp({}, ports.idp)
  ends(idp.close)
  await writeFile(prepared.rules, benchRules({ issuer: idp.issuer, upstream: ports.orders, services: 10 }))
  const token = await idp.tokenFor(people.ana)
  const service = child('streams/service-main.ts', [String(ports.orders)], ends)
  await once(service, 'message')
  const clients = child('streams/clients-main.ts', [], ends)

  const relayPort = await steadyPort()
  const relayInspect = await steadyPort()
  const relay = await startNode(
    'relay',
    'contenders/relay.ts',
    [relayPort, ports.orders],
    { folder, ends },
    relayPort,
    relayInspect,
  )
  const redis = await ensureRedis({ folder: join(folder, 'redis'), port: ports.redis, say })
  ends(redis.stop)
  const issuer = await startIssuer(prepared, redis.url, {
    subject: people.ana.subject,
    others: 0,
    services: [askedFor],
  })
  ends(issuer.stop)
  const pagepass = await startPagepass('pagepass', prepared, redis.url, ends)

  const eachOf = async (name: string, pid: number, port: number, inspector: Inspector): Promise<number> => {
    await order(clients, { kind: 'open', port, token, count: warmUp })
    await order(clients, { kind: 'close' })
    const before = await settledMemory(pid, inspector)
    say(`${name}: opening ${sockets} WebSockets`)
    await order(clients, { kind: 'open', port, token, count: sockets })
    const after = await settledMemory(pid, inspector)
    await order(clients, { kind: 'close' })
    return Math.round((after.rss - before.rss) / sockets)
  }
  const relayInspector = await openInspector(relay.pid, relayInspect)
  ends(relayInspector.close)
  const pagepassInspector = await openInspector(pagepass.servingPid, pagepass.inspectPort)
  ends(pagepassInspector.close)
  const memory = {
    relay: await eachOf('relay', relay.pid, relayPort, relayInspector),
    pagepass: await eachOf('pagepass', pagepass.servingPid, pagepass.port, pagepassInspector),
  }

  let grant = issuer.first
  const cutOnce = async (sending: number): Promise<Cut> => {
    await untilAdmitted(pagepass.port, token)
    await order(clients, { kind: 'open', port: pagepass.port, token, count: sockets })
    await see(service)
    await order(clients, { kind: 'flood', sockets: sending })
    await sleep(floodMs)
    const ended = order(clients, { kind: 'await end' })
    const from = process.hrtime.bigint()
    await issuer.revoke(grant)
    const { ends: seen, told, frames } = await ended
    grant = await issuer.giveAnother()
    const { stamps, firstEnd } = await untilGone(service)
    const begun = [...seen, ...(firstEnd === undefined ? [] : [firstEnd])].reduce((one, other) =>
      one < other ? one : other,
    )
    return {
      took: seen.map((moment) => Number(moment - from) / 1_000_000),
      told,
      frames,
      late: stamps.filter((made) => made > begun).length,
    }
  }
  const idle: Cut[] = []
  const flooded: Cut[] = []
  for (let number = 1; number <= rounds; number += 1) {
    say(`round ${number} of ${rounds}`)
    idle.push(await cutOnce(0))
    flooded.push(await cutOnce(Math.min(flooding, sockets)))
  }

  const all = [...idle, ...flooded]
  const late = all.reduce((sum, cut) => sum + cut.late, 0)
  const result = {
    name: 'streams',
    sockets,
    rounds,
    memory_bytes_each: memory,
    memory_ratio: round(memory.pagepass / memory.relay),
    cut_ms: figures(idle),
    last_cut_ms_by_round: idle.map(({ took }) => round(Math.max(...took), 1)),
    flooded: {
      flooding: Math.min(flooding, sockets),
      frames: flooded.reduce((sum, { frames }) => sum + frames, 0),
      cut_ms: figures(flooded),
      last_cut_ms_by_round: flooded.map(({ took }) => round(Math.max(...took), 1)),
    },
    /** Of all sockets cut, those that were told 1008 before their connection ended. */
    told_share: round(all.reduce((sum, { told }) => sum + told, 0) / (all.length * sockets), 4),
    /** Frames made after anybody saw the first end, that reached the service. */
    frames_after_cut: late,
  }
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else {
    process.stdout.write(
      `${sockets} idle WebSockets: ${memory.pagepass} bytes each, a bare relay ${memory.relay}\n`,
    )
    const { p50, p99, max } = result.cut_ms
    process.stdout.write(
      `from the revocation to their end: p50 ${p50} ms, p99 ${p99} ms, the last ${max} ms\n`,
    )
    process.stdout.write(`frames that reached the service once the cut had begun: ${late}\n`)
  }
  if (late > 0) throw new Error(`${late} frames reached the service after the cut had begun`)
}

/** Over all sockets of all rounds. */
const figures = (cuts: readonly Cut[]): { p50: number; p99: number; max: number } => {
  const took = cuts.flatMap((cut) => cut.took)
  return {
    p50: round(percentile(took, 0.5), 1),
    p99: round(percentile(took, 0.99), 1),
    max: round(percentile(took, 1), 1),
  }
}

const child = (file: string, args: readonly string[], ends: Ends): ChildProcess => {
  const started = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  ends(() => started.kill())
  return started
}

const order = async (clients: ChildProcess, what: Order): Promise<Done> => {
  const limit = AbortSignal.timeout(cutWithinMs)
  clients.send(what)
  const [answer] = (await once(clients, 'message', { signal: limit }).catch(() => {
    throw new Error(`the clients could not ${what.kind} within ${cutWithinMs / 1_000} s`)
  })) as [Done | { error: string }]
  if ('error' in answer) throw new Error(`the clients could not ${what.kind}: ${answer.error}`)
  return answer
}

/** What the service saw since it was last asked. */
const see = async (service: ChildProcess): Promise<ServiceSaw> => {
  service.send('see')
  const [saw] = (await once(service, 'message')) as [ServiceSaw]
  return saw
}

/** The same, once no connection is left there. */
const untilGone = async (service: ChildProcess): Promise<Pick<ServiceSaw, 'stamps' | 'firstEnd'>> => {
  const stamps: bigint[] = []
  let firstEnd: bigint | undefined
  for (let attempt = 0; attempt < cutWithinMs / 20; attempt += 1) {
    const saw = await see(service)
    for (const stamp of saw.stamps) stamps.push(stamp)
    firstEnd ??= saw.firstEnd
    if (saw.open === 0) return { stamps, firstEnd }
    await sleep(20)
  }
  throw new Error('connections to the service outlived the cut')
}

const untilAdmitted = async (port: number, token: string): Promise<void> => {
  const headers = { authorization: `Bearer ${token}`, host: `${askedFor}.localhost` }
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if ((await statusOf(port, headers)) === 200) return
    await sleep(50)
  }
  throw new Error('the proxy does not admit what it was given')
}

/** `fetch` sets its own Host. */
const statusOf = (port: number, headers: Readonly<Record<string, string>>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/v1/orders', headers, agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    }).on('error', reject)
  })
