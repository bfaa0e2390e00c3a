import type { StandingRule } from '../domain/rule-set.ts'

export const workloadPrefix = 'workload:'
const onCallPrefix = 'on call of '

/** Whom a standing rule, or a case, is about: `workload:checkout`, `on call of orders-svc`, or a set of people. */
export const readFrom = (from: string): StandingRule['from'] => {
  if (from.startsWith(workloadPrefix)) return { kind: 'workload', name: from.slice(workloadPrefix.length) }
  return from.startsWith(onCallPrefix)
    ? { kind: 'on call', service: from.slice(onCallPrefix.length) }
    : { kind: 'people', name: from }
}
