import cluster from 'node:cluster'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { Mode } from '../mode.ts'
import { type Asked, type Told, toldShape } from './messages.ts'

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }
export type Metrics = readonly MetricObjectWithValues<MetricValue<string>>[]

/** One serving process, as its parent sees it. */
export type Serving = {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<Exit>
  /** By which rules it decides, once it has read them. */
  readonly rules: () => Rules | undefined
  /** What it waits for; undefined until it knows. */
  readonly waitsFor: () => readonly string[] | undefined
  /** How it gets on; undefined until it knows. */
  readonly mode: () => Mode | undefined
  readonly listens: () => boolean
  readonly letListen: () => void
  /** What it has counted; undefined where it does not say so in time. */
  readonly measure: () => Promise<Metrics | undefined>
  /** SIGTERM lets it drain, SIGINT stops it. */
  readonly signal: (signal: NodeJS.Signals) => void
}
export type Rules = Extract<Told, { kind: 'begun' }>['rules']

const answerMs = 2_000

/**
 * Starts serving processes that share the parent's listening sockets (node:cluster): the parent hands each new connection to
 * the next of them that listens.
 */
export const createServing = (main: string, execArgv: readonly string[]) => {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: main, args: [], execArgv: [...execArgv], serialization: 'advanced' })
  let asks = 0

  /** `changed` is told whenever it has said something new. */
  return (name: string, changed: () => void): Serving => {
    const worker = cluster.fork({ PAGEPASS_INSTANCE: name })
    const asked = new Map<number, (metrics: Metrics | undefined) => void>()
    let rules: Rules | undefined
    let waitsFor: readonly string[] | undefined
    let mode: Mode | undefined
    let listens = false

    const ask = (what: Asked): void => {
      if (worker.isConnected()) worker.send(what, undefined, () => undefined)
    }
    const hear = (told: Told): void => {
      if (told.kind === 'begun') rules = told.rules
      else if (told.kind === 'waits') {
        waitsFor = told.for
        mode = told.mode
      } else if (told.kind === 'listens') listens = true
      else return void asked.get(told.ask)?.(told.metrics)
      changed()
    }
    worker.on('message', (message) => {
      const { data: told } = toldShape.safeParse(message)
      if (told !== undefined) hear(told)
    })
    // A message that comes too late for a process that ends.
    worker.on('error', () => undefined)

    return {
      name,
      pid: worker.process.pid ?? 0,
      exited: new Promise((resolve) => {
        worker.once('exit', (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal }))
      }),
      rules: () => rules,
      waitsFor: () => waitsFor,
      mode: () => mode,
      listens: () => listens,
      letListen: () => ask({ kind: 'listen' }),
      measure: () =>
        new Promise((resolve) => {
          asks += 1
          const number = asks
          const answer = (metrics: Metrics | undefined): void => {
            clearTimeout(late)
            asked.delete(number)
            resolve(metrics)
          }
          const late = setTimeout(answer, answerMs, undefined)
          asked.set(number, answer)
          ask({ kind: 'measure', ask: number })
        }),
      signal: (signal) => void worker.process.kill(signal),
    }
  }
}
