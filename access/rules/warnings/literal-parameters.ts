import type { Finding, Looked } from './finding.ts'
import { ownPatternsOf, patternsOfEgress, patternsOfProfile, patternsOfStanding } from './written-patterns.ts'

/** `:id`, `(id)` and `{id}` as an address holds it: routes of frameworks, where they stand for any segment. */
const parameter = /^(?::[A-Za-z_].*|\([A-Za-z_]\w*\)|%7B[A-Za-z_]\w*%7D)$/

/** Patterns with what frameworks take for a parameter, and what is only itself here. */
export const literalParameters = ({ source }: Looked): Finding[] =>
  [
    ...Object.keys(source.profiles).flatMap((name) => patternsOfProfile(source, name)),
    ...Object.keys(source.services).flatMap((name) => ownPatternsOf(source, name)),
    ...patternsOfStanding(source),
    ...patternsOfEgress(source),
  ].flatMap(({ path, pattern }): Finding[] => {
    const segment = pattern.segments.find((one) => parameter.test(one))
    if (segment === undefined) return []
    const what = `"${segment}" of "${pattern.text}" is matched as it stands; write "*" for any segment`
    return [{ kind: 'parameter-literal', path, what }]
  })
