import { Gauge, Registry } from 'prom-client'

/**
 * What a process tells Prometheus at `/metrics` of its admin port: by which rules it decides. During a replacement both
 * rules hashes are counted.
 */
export const createMetrics = (
  { hash, environment }: { readonly hash: string; readonly environment: string },
  changedOnDisk: () => boolean,
): Registry => {
  const registry = new Registry()
  new Gauge({
    name: 'pagepass_rules_info',
    help: 'The rule set that this process decides by, always 1',
    labelNames: ['rules', 'environment'],
    registers: [registry],
  }).set({ rules: hash, environment }, 1)
  new Gauge({
    name: 'pagepass_rules_changed_on_disk',
    help: '1 where the files say something else by now; replace the process to use it',
    registers: [registry],
    collect() {
      this.set(changedOnDisk() ? 1 : 0)
    },
  })
  return registry
}
