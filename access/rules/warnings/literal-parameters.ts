import { allLevels } from '../own-tiers.ts'
import { patternsOf, patternsOfEgress, patternsOfStanding } from '../written-patterns.ts'
import type { Finding, Looked } from './finding.ts'

/** `:id`, `(id)` and `{id}` as an address holds it: routes of frameworks, where they stand for any segment. */
const parameter = /^(?::[A-Za-z_].*|\([A-Za-z_]\w*\)|%7B[A-Za-z_]\w*%7D)$/

/** Patterns with what frameworks take for a parameter, and what is only itself here. */
export const literalParameters = ({ source }: Looked): Finding[] =>
  [
    ...allLevels(source).flatMap(patternsOf),
    ...patternsOfStanding(source),
    ...patternsOfEgress(source),
  ].flatMap(({ path, pattern }): Finding[] => {
    const segment = pattern.segments.find((one) => parameter.test(one))
    if (segment === undefined) return []
    const what = `"${segment}" of "${pattern.text}" is matched as it stands; write "*" for any segment`
    return [{ kind: 'parameter-literal', path, what }]
  })
