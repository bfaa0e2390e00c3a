import { Histogram, type Registry } from 'prom-client'

/** Seconds: from 50 µs, what a proxy adds on a good day, to 30 s, when it gives up on a service. */
export const latencyBounds: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
]

/** How often a value was how large: counting one costs a few comparisons and no allocation. */
export const createBuckets = (bounds: readonly number[] = latencyBounds) => {
  const upTo = Float64Array.from(bounds)
  const counts = new Float64Array(upTo.length + 1)
  let sum = 0
  return {
    observe: (value: number): void => {
      let index = 0
      while (index < upTo.length && value > (upTo[index] as number)) index += 1
      counts[index] = (counts[index] as number) + 1
      sum += value
    },
    /** How many there were up to each bound, and in all. */
    read: () => {
      let count = 0
      const cumulative = bounds.map((bound, index) => {
        count += counts[index] as number
        return { bound, count }
      })
      return { cumulative, count: count + (counts[upTo.length] as number), sum }
    },
  }
}
export type Buckets = ReturnType<typeof createBuckets>

/** A histogram that Prometheus reads from buckets of ours. */
export class BucketHistogram extends Histogram {
  readonly #buckets: Buckets
  readonly #about: { readonly name: string; readonly help: string }

  constructor(registry: Registry, name: string, help: string, buckets: Buckets) {
    super({ name, help, registers: [registry] })
    this.#buckets = buckets
    this.#about = { name, help }
  }

  /** What prom-client reads of a histogram, for its text and for everything else; its typings don't tell of it. */
  async getForPromString(): Promise<object> {
    const { name } = this.#about
    const { cumulative, count, sum } = this.#buckets.read()
    const bucket = (le: number | string, value: number) => ({
      metricName: `${name}_bucket`,
      labels: { le },
      sharedLabels: {},
      value,
    })
    const values = [
      ...cumulative.map((one) => bucket(one.bound, one.count)),
      bucket('+Inf', count),
      { metricName: `${name}_sum`, labels: {}, sharedLabels: {}, value: sum },
      { metricName: `${name}_count`, labels: {}, sharedLabels: {}, value: count },
    ]
    return { ...this.#about, type: 'histogram', aggregator: 'sum', values }
  }
}
