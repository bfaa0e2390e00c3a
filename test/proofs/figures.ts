import { percentile, round } from '../measure.ts'

/** The figures of some samples, as a proof prints them. */
export const figuresOf = (name: string, samples: readonly number[]): Readonly<Record<string, number>> => ({
  [`${name}_samples`]: samples.length,
  [`${name}_p50_ms`]: round(percentile(samples, 0.5)),
  [`${name}_p99_ms`]: round(percentile(samples, 0.99)),
  [`${name}_max_ms`]: round(percentile(samples, 1)),
})

/** Which of these figures were not reached. */
export const missedOf = (
  name: string,
  samples: readonly number[],
  most: { readonly p99?: number; readonly max: number },
): string[] => {
  const missed: string[] = []
  if (most.p99 !== undefined && !(percentile(samples, 0.99) <= most.p99))
    missed.push(`${name}_p99_ms <= ${most.p99}`)
  if (!(percentile(samples, 1) <= most.max)) missed.push(`${name}_max_ms <= ${most.max}`)
  return missed
}
