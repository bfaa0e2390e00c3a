import { demandText, pastDemands } from '../compile/past-demands.ts'
import type { Finding, Looked } from './finding.ts'

/** Workloads that need no pass for what people get by approval, or after a sign-in, only. Of people it is a fault. */
export const standingPast = ({ rules }: Looked): Finding[] =>
  rules.standing.flatMap((rule, index) =>
    rule.from.kind !== 'workload'
      ? []
      : pastDemands(rule, [...rules.services.values()]).map(
          ({ place, pattern, service, tier }): Finding => ({
            kind: 'standing-past-demands',
            path: ['standing', index, 'allow', place],
            what: `"${pattern}" reaches what "${tier.name}" allows on ${service.name}, which ${demandText(tier)} of people; if the workload is to do it at any time, give the pattern to a lower tier, or allow less`,
          }),
        ),
  )
