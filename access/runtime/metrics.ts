import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Registry } from 'prom-client'
import { type KeepingMode, keepingModes } from './keeping-mode.ts'

/** What a process tells Prometheus of its rule set. During a replacement both rules hashes are counted. */
export const addRules = (
  registry: Registry,
  { hash, environment }: { readonly hash: string; readonly environment: string },
): void =>
  new Gauge({
    name: 'pagepass_rules_info',
    help: 'The rule set that this process decides by, always 1',
    labelNames: ['rules', 'environment'],
    registers: [registry],
  }).set({ rules: hash, environment }, 1)

/** Whether whoever watches the files of the rule set found that they have changed. */
export const addChangedOnDisk = (registry: Registry, changedOnDisk: () => boolean): void =>
  addGauge(
    registry,
    'pagepass_rules_changed_on_disk',
    '1 where the files say something else by now; replace the process to use it',
    () => (changedOnDisk() ? 1 : 0),
  )

/** How the process gets on without the others: one of `all`, which is 1. */
export const addMode = <Mode extends string>(
  registry: Registry,
  all: readonly Mode[],
  mode: () => Mode,
): void =>
  addGauges(registry, {
    name: 'pagepass_mode',
    help: 'How the process gets on without the others: 1 for the mode it is in',
    label: 'mode',
    read: () => {
      const now = mode()
      return all.map((one) => [one, one === now ? 1 : 0] as const)
    },
  })

/** What a process tells Prometheus at `/metrics` of its admin port: by which rules it decides, and how it gets on. */
export const createMetrics = (
  rules: { readonly hash: string; readonly environment: string },
  changedOnDisk: () => boolean,
  mode?: () => KeepingMode,
): Registry => {
  const registry = new Registry()
  addRules(registry, rules)
  addChangedOnDisk(registry, changedOnDisk)
  if (mode !== undefined) addMode(registry, keepingModes, mode)
  return registry
}

/** A figure that is read when Prometheus asks for it. */
export const addGauge = (registry: Registry, name: string, help: string, read: () => number): void => {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

/** Figures that are kept elsewhere, one for each value of a label. */
export type Labelled = {
  readonly name: string
  readonly help: string
  readonly label: string
  readonly read: () => Iterable<readonly [value: string, figure: number]>
}

/** Figures that go up and down, read when Prometheus asks for them. */
export const addGauges = (registry: Registry, { name, help, label, read }: Labelled): void => {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [value, figure] of read()) this.set({ [label]: value }, figure)
    },
  })
}

/** Counts that only grow, read when Prometheus asks for them. */
export const addCounts = (registry: Registry, { name, help, label, read }: Labelled): void => {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset()
      for (const [value, count] of read()) this.inc({ [label]: value }, count)
    },
  })
}

const resolutionMs = 10

/** By how much the event loop was late since Prometheus last asked: what every request waited for besides. */
export const addLoopDelay = (registry: Registry): void => {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  // What is measured is the time between two ticks of a timer, of which one period is not late.
  const late = (nanoseconds: number): number =>
    delay.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3)
  new Gauge({
    name: 'pagepass_event_loop_delay_seconds',
    help: 'By how much the event loop was late since this was last read',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const percent of [50, 99]) this.set({ quantile: percent / 100 }, late(delay.percentile(percent)))
      this.set({ quantile: 1 }, late(delay.max))
      delay.reset()
    },
  })
}
