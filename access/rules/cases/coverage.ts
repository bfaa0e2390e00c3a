import { allLevels, servicesOn } from '../own-tiers.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import type { Place } from '../rule-file.ts'
import { readFrom } from '../standing-from.ts'
import { patternsIn, patternsOf } from '../written-patterns.ts'
import type { Result } from './run-case.ts'

/** A rule or a pattern, and whether a case that holds was decided by it. */
export type Covered = {
  readonly kind: 'rule' | 'pattern'
  /** `orders-high of on_page`, `GET /** of observe, profile web`. */
  readonly what: string
  readonly place: Place
  readonly covered: boolean
}

/**
 * Which rules decided a case that holds, and which patterns admitted a request. Patterns of a profile count once, whatever
 * service they admitted it on. What gives nothing yet (`on call of`) is left out: no case can be decided by it.
 */
export const coverageOf = (parsed: SoundRuleSet, results: readonly Result[]): Covered[] => {
  const holding = results.filter(({ wrong }) => wrong.length === 0)
  const decided = new Set(holding.flatMap(({ decidedBy }) => decidedBy))
  return [...coveredRules(parsed, decided), ...coveredPatterns(parsed, holding)]
}

const coveredRules = ({ rules, placeOf }: SoundRuleSet, decided: ReadonlySet<string>): Covered[] => {
  const { onPage, onRequest, standing, freezes } = rules
  const sections = { on_page: onPage, on_request: onRequest, standing, freeze: freezes }
  return Object.entries(sections).flatMap(([section, all]) =>
    all.flatMap((rule, index): Covered[] => {
      if ('from' in rule && typeof rule.from === 'object' && rule.from.kind === 'on call') return []
      const what = rule.id.startsWith(`${section}[`) ? rule.id : `${rule.id} of ${section}`
      return [{ kind: 'rule', what, place: placeOf([section, index]), covered: decided.has(rule.id) }]
    }),
  )
}

const coveredPatterns = ({ source, placeOf }: SoundRuleSet, holding: readonly Result[]): Covered[] => {
  const admitting = holding.flatMap(({ admittedBy }) => (admittedBy === undefined ? [] : [admittedBy]))
  /** Whether it admitted a request on one of these services. */
  const admitted = (services: readonly string[], tier: string, text: string): boolean =>
    admitting.some(
      (one) => 'service' in one && services.includes(one.service) && one.tier === tier && one.text === text,
    )

  return [
    ...allLevels(source).flatMap((level) => {
      const { kind, name } = level.of
      const on = servicesOn(source, level)
      return patternsOf(level).map(
        ({ pattern: { text }, tier, path }): Covered => ({
          kind: 'pattern',
          what: `${text} of ${tier}, ${kind === 'service' ? name : `profile ${name}`}`,
          place: placeOf(path),
          covered: admitted(on, tier, text),
        }),
      )
    }),
    ...source.standing.flatMap(({ name, from, allow = [] }, index) => {
      if (readFrom(from).kind === 'on call') return []
      const id = name ?? `standing[${index}]`
      return patternsIn(allow, ['standing', index, 'allow']).map(
        ({ pattern: { text }, path }): Covered => ({
          kind: 'pattern',
          what: `${text} of ${id}`,
          place: placeOf(path),
          covered: admitting.some((one) => 'standing' in one && one.standing === id && one.text === text),
        }),
      )
    }),
  ]
}

/** The same in several environments of one folder: covered is what is covered in any of them. */
export const joinCoverage = (all: readonly (readonly Covered[])[]): Covered[] => {
  const joined = new Map<string, Covered>()
  for (const one of all.flat()) {
    const { file, line, column } = one.place
    const key = `${file}:${line}:${column} ${one.what}`
    joined.set(key, { ...one, covered: one.covered || joined.get(key)?.covered === true })
  }
  return [...joined.values()]
}

export type Share = { readonly covered: number; readonly of: number; readonly percent: number }

/** How many of a kind are covered. 100 percent are all of them, never nearly all; of nothing, all is covered. */
export const shareOf = (coverage: readonly Covered[], kind: Covered['kind']): Share => {
  const ofKind = coverage.filter((one) => one.kind === kind)
  const covered = ofKind.filter((one) => one.covered).length
  const percent = ofKind.length === 0 ? 100 : Math.floor((covered * 100) / ofKind.length)
  return { covered, of: ofKind.length, percent }
}
