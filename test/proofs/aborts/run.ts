import { setTimeout as sleep } from 'node:timers/promises'
import { round } from '../../measure.ts'
import { clientHello } from './clients.ts'
import { followRecords, type Records } from './records.ts'
import { type Scene, startScene } from './scene.ts'
import {
  forgetAtService,
  type Held,
  readAtRest,
  untilDescriptorsAtRest,
  untilQuiet,
  untilTimersAtRest,
} from './settle.ts'
import { plainStages, type Stage, tlsStages } from './stages.ts'
import { readMetrics, streams, usedHeap } from './state.ts'
import { runWave, widthOf } from './wave.ts'

/** The most that the heap may grow for each abort, and what a heap moves by anyway. Bytes. */
const mostPerAbort = 100
const anyway = 262_144
/** A token that was verified is remembered for some minutes, up to a limit of its own. Bytes. */
const perIdentity = 4_096

type Figures = Awaited<ReturnType<typeof judgeStage>>['figures']

/** Aborts so many requests at each stage, and finds whatever is left of them. */
export const runAborts = async (
  redisUrl: string,
  { plain, tls }: { readonly plain: number; readonly tls: number },
  trials: number,
  say: (line: string) => void,
) => {
  const violations: string[] = []
  const stages: Record<string, Figures> = {}
  const scenes = [
    { database: plain, overTls: false, itsStages: plainStages },
    { database: tls, overTls: true, itsStages: tlsStages(await clientHello()) },
  ]
  for (const { database, overTls, itsStages } of scenes) {
    const scene = await startScene(redisUrl, database, overTls)
    try {
      const records = followRecords(scene.proxy.auditFolder)
      const rest = await warmUp(scene, records, itsStages)
      for (const stage of itsStages) {
        const { wrong, figures } = await judgeStage(scene, records, stage, trials, rest)
        violations.push(...wrong.map((what) => `${stage.name}: ${what}`))
        stages[stage.name] = figures
        say(`${stage.name}: ${JSON.stringify(figures)}${wrong.map((what) => `\n  ${what}`).join('')}`)
      }
    } finally {
      await scene.stop()
    }
  }
  return { violations, stages }
}

/** Brings about whatever a process keeps once it has done a thing for the first time. */
const warmUp = async (scene: Scene, records: Records, stages: readonly Stage[]): Promise<Held> => {
  for (const stage of stages) await abortAll(scene, stage, 2 * widthOf(stage), 0)
  const left = await untilQuiet(scene, records, Number.POSITIVE_INFINITY)
  if (left.length > 0) throw new Error(`the proxy does not come to rest: ${left.join(', ')}`)
  forgetAtService(scene)
  records.forget()
  // Whoever connected to the deaf service gives up after one.
  await sleep(2_000)
  return readAtRest(scene)
}

const judgeStage = async (scene: Scene, records: Records, stage: Stage, trials: number, rest: Held) => {
  const half = Math.ceil(trials / 2)
  const first = await judgeBatch(scene, records, stage, half, 1_000_000, rest)
  const before = { streams: await streams(scene.inspector), heap: await usedHeap(scene.inspector) }
  const second = await judgeBatch(scene, records, stage, half, 2_000_000, rest)
  const wrong = [...first.wrong, ...second.wrong, ...(await untilTimersAtRest(scene, rest))]
  const remembered = Math.max(0, second.identities - first.identities) * perIdentity
  const bound = second.aborts * mostPerAbort + anyway + remembered
  const grown = await leastOf(async () => (await usedHeap(scene.inspector)) - before.heap, bound)
  if (grown > bound) wrong.push(`the heap grew by ${grown} bytes for ${second.aborts} aborts`)
  const mostKept = Math.max(2 * widthOf(stage), second.aborts / 20)
  const kept = await leastOf(async () => (await streams(scene.inspector)) - before.streams, mostKept)
  if (kept > mostKept) wrong.push(`${kept} more sockets, requests, answers or streams are kept in memory`)
  const figures = {
    aborts: first.aborts + second.aborts,
    admitted: first.admitted + second.admitted,
    forwarded: first.forwarded + second.forwarded,
    pooled: Math.max(first.pooled, second.pooled),
    heap_grown: grown,
    heap_per_abort: round((grown - remembered) / second.aborts, 1),
    objects_kept: kept,
  }
  return { wrong, figures }
}

/** The first of a few readings that is within a bound, or the last: a heap comes to rest bit by bit. */
const leastOf = async (read: () => Promise<number>, bound: number): Promise<number> => {
  for (let time = 0; ; time += 1) {
    const value = await read()
    if (value <= bound || time === 10) return value
    await sleep(500)
  }
}

const judgeBatch = async (
  scene: Scene,
  records: Records,
  stage: Stage,
  count: number,
  from: number,
  rest: Held,
) => {
  const { orders } = scene.proxy
  const { aborts, wrong } = await abortAll(scene, stage, count, from)
  wrong.push(...(await untilQuiet(scene, records, Math.max(2 * widthOf(stage) + 2, count / 10))))
  const admitted = new Map(records.admitted())
  const ofStage = [...admitted.keys()].filter((path) => path.startsWith(stage.path)).length
  for (const path of admitted.keys())
    if (path.startsWith(behind)) wrong.push(`${path} was admitted for a client that was gone`)
  const targets = [...orders.received(), ...orders.lines()].map(({ target }) => target)
  for (const target of targets) {
    const left = (admitted.get(target) ?? 0) - 1
    admitted.set(target, left)
    if (left < 0) wrong.push(`${target} was forwarded without a record of its admission`)
  }
  const pooled = orders.connections().filter((one) => !one.closed()).length
  forgetAtService(scene)
  records.forget()
  wrong.push(...(await untilDescriptorsAtRest(scene, rest)))
  return {
    aborts,
    wrong,
    admitted: ofStage,
    forwarded: targets.filter((target) => target.startsWith(stage.path)).length,
    pooled,
    identities: (await readMetrics(scene)).identities,
  }
}

const behind = '/v1/never/'

/** So many aborts, numbered from there on. */
const abortAll = async (scene: Scene, stage: Stage, count: number, from: number) => {
  const wrong: string[] = []
  let aborts = 0
  while (aborts < count) {
    const wave = await runWave(scene, stage, Math.min(widthOf(stage), count - aborts), from + aborts)
    aborts += wave.all
    wrong.push(...wave.wrong)
  }
  return { aborts, wrong }
}
