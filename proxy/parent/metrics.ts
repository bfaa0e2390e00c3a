import { AggregatorRegistry, Registry } from 'prom-client'
import { addChangedOnDisk, addGauges } from '#access/runtime/metrics.ts'
import type { KeptServing } from './keep-serving.ts'

/**
 * What Prometheus reads of the whole proxy: what each serving process has counted, told apart by the label `process`, so
 * that nothing seems to run backwards when one of them is replaced.
 */
export const createParentMetrics = (
  { measure }: Pick<KeptServing, 'measure'>,
  changedOnDisk: () => boolean,
) => {
  const registry = new Registry()
  let answered: (readonly [string, number])[] = []
  addChangedOnDisk(registry, changedOnDisk)
  addGauges(registry, {
    name: 'pagepass_process_up',
    help: 'Whether a serving process said what it has counted: 1, or 0 where it did not in time',
    label: 'process',
    read: () => answered,
  })
  return {
    contentType: registry.contentType,
    metrics: async (): Promise<string> => {
      const measured = await measure()
      answered = measured.map(([name, metrics]) => [name, metrics === undefined ? 0 : 1])
      const told = measured.flatMap(([, metrics]) => (metrics === undefined ? [] : [[...metrics]]))
      return AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), ...told]).metrics()
    },
  }
}
