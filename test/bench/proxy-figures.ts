import { median, round } from '../measure.ts'
import type { Memory } from './memory.ts'

/** What one contender showed in one round: CPU in microseconds per request, requests/s, and p99 in ms. */
export type Sample = {
  readonly cpu: number
  readonly rps: number
  readonly p99: number
  /** Requests that were answered 503, which count in nothing but the CPU that they took. */
  readonly closed: number
}

export type ProxyMeasured = {
  readonly grants: number
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  readonly memory: ReadonlyMap<string, Memory>
}

const ours = 'pagepass'
/** Pagepass with a single grant, beside itself with all of them. */
export const oneGrant = 'pagepass_1_grant'

/**
 * Medians over the rounds, and ratios of them: CPU per request of Pagepass ÷ that of the other. The same ratios of the
 * quietest rounds are told beside them, since whatever else runs on the machine can only add to what a request takes.
 */
export const proxyFigures = ({ grants, samples, memory }: ProxyMeasured) => {
  const of = (field: keyof Sample, figure = median): Record<string, number> =>
    Object.fromEntries(
      [...samples].map(([name, all]) => [name, round(figure(all.map((sample) => sample[field])))]),
    )
  const ratiosOf = (cpu: Readonly<Record<string, number>>): Record<string, number> => {
    const { [ours]: mine, ...others } = cpu
    if (mine === undefined) return {}
    return Object.fromEntries(
      Object.entries(others).map(([name, other]) => [ratioName(name, grants), round(mine / other, 3)]),
    )
  }
  const cpu = of('cpu')
  return {
    cpu_us: cpu,
    rps: of('rps'),
    p99_ms: of('p99'),
    ratios: ratiosOf(cpu),
    ratios_of_quietest_rounds: ratiosOf(of('cpu', (values) => Math.min(...values))),
    cpu_us_by_round: Object.fromEntries(
      [...samples].map(([name, all]) => [name, all.map((sample) => round(sample.cpu, 1))]),
    ),
    /** Requests that Pagepass answered with 503 because the disk under its audit stalled. */
    closed: samples.get(ours)?.reduce((sum, { closed }) => sum + closed, 0) ?? 0,
    ...perGrant(memory, grants),
  }
}
export type ProxyFigures = ReturnType<typeof proxyFigures>

export const ratioName = (contender: string, grants: number): string =>
  contender !== oneGrant ? contender : grants === 100_000 ? 'grants_100k_over_1' : `grants_${grants}_over_1`

/** What every grant but the first one takes. Nothing where one of the two did not run. */
const perGrant = (memory: ReadonlyMap<string, Memory>, grants: number) => {
  const [many, one] = [memory.get(ours), memory.get(oneGrant)]
  if (many === undefined || one === undefined || grants < 2) return {}
  const each = (field: keyof Memory): number => Math.round((many[field] - one[field]) / (grants - 1))
  return {
    memory_per_grant_bytes: each('rss'),
    memory_per_grant_parts: {
      rss_before_gc: each('rss_before_gc'),
      heap_used: each('heap_used'),
      buffers: each('buffers'),
    },
  }
}
