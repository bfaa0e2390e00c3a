import { parsePattern } from '../../domain/path-pattern.ts'
import type { RuleSet } from '../../domain/rule-set.ts'
import type { RuleSetSource } from '../source.ts'
import type { Found } from './change.ts'
import { samplesOf } from './route-samples.ts'
import { who, words } from './sentence.ts'

/** What workloads may call outside. */
export const egressChanges = (
  old: RuleSet,
  now: RuleSet,
  sources: readonly Pick<RuleSetSource, 'egress'>[],
): Found[] => {
  const rules = [...old.egress, ...now.egress]
  const texts = sources.flatMap(({ egress }) => egress.flatMap(({ allow }) => allow))
  const patterns = [...new Set(texts)].map(parsePattern)
  const samples = samplesOf(patterns.flatMap((pattern) => ('fault' in pattern ? [] : [pattern])))
  const names = [...new Set(rules.flatMap(({ from }) => from))]
  const origins = [...new Set(rules.flatMap(({ to }) => to))]
  const found = new Map<string, Found>()
  for (const name of names)
    for (const origin of origins) {
      const [before, after] = [old, now].map(({ egress }) =>
        egress.filter(({ from, to }) => from.includes(name) && to.includes(origin)),
      )
      for (const { method, path } of samples) {
        const [was, is] = [before, after].map((some = []) =>
          some.map(({ allow }) => allow.find(method, path)?.pattern.text).find((text) => text !== undefined),
        )
        if ((was === undefined) === (is === undefined)) continue
        const one: Found =
          is === undefined
            ? { kind: 'loses', danger: 30, say: words`${who} may no longer call ${was ?? ''} at ${origin}` }
            : { kind: 'gains', danger: 60, say: words`${who} may now call ${is} at ${origin}` }
        found.set(JSON.stringify([name, one.say]), { ...one, who: [`workload ${name}`] })
      }
    }
  return [...found.values()]
}
