import { parsePattern } from '../../domain/path-pattern.ts'
import type { Parsed } from '../explain/places.ts'
import type { Place } from '../rule-file.ts'
import type { OwnTier } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
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
export const coverageOf = (parsed: Parsed, results: readonly Result[]): Covered[] => {
  const holding = results.filter(({ wrong }) => wrong.length === 0)
  const decided = new Set(holding.flatMap(({ decidedBy }) => decidedBy))
  return [...rulesOf(parsed, decided), ...patternsOf(parsed, holding)]
}

const rulesOf = ({ rules, placeOf }: Parsed, decided: ReadonlySet<string>): Covered[] => {
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

const patternsOf = ({ source, placeOf }: Parsed, holding: readonly Result[]): Covered[] => {
  const admitting = holding.flatMap(({ admittedBy }) => (admittedBy === undefined ? [] : [admittedBy]))
  /** Whether it admitted a request on one of these services. */
  const admitted = (services: readonly string[], tier: string, text: string): boolean =>
    admitting.some(
      (one) => 'service' in one && services.includes(one.service) && one.tier === tier && one.text === text,
    )

  const ofTiers = (
    tiers: Readonly<Record<string, OwnTier>>,
    of: string,
    path: YamlPath,
    on: readonly string[],
  ) =>
    Object.entries(tiers).flatMap(([tier, own]) =>
      written(own, [...path, 'tiers', tier]).map(
        ({ text, at }): Covered => ({
          kind: 'pattern',
          what: `${text} of ${tier}, ${of}`,
          place: placeOf(at),
          covered: admitted(on, tier, text),
        }),
      ),
    )
  const services = Object.entries(source.services)
  return [
    ...Object.entries(source.profiles).flatMap(([name, { tiers }]) => {
      const sharing = services.filter(([, { profile }]) => profile === name).map(([service]) => service)
      return ofTiers(tiers, `profile ${name}`, ['profiles', name], sharing)
    }),
    ...services.flatMap(([name, { tiers }]) => ofTiers(tiers, name, ['services', name], [name])),
    ...source.standing.flatMap(({ name, from, allow = [] }, index) => {
      if (from.startsWith('on call of ')) return []
      const id = name ?? `standing[${index}]`
      return written(allow, ['standing', index, 'allow']).map(
        ({ text, at }): Covered => ({
          kind: 'pattern',
          what: `${text} of ${id}`,
          place: placeOf(at),
          covered: admitting.some((one) => 'standing' in one && one.standing === id && one.text === text),
        }),
      )
    }),
  ]
}

const written = (own: OwnTier, path: YamlPath): { readonly text: string; readonly at: YamlPath }[] => {
  const [texts, at] = Array.isArray(own)
    ? [own, path]
    : // What is no list has terms beside its patterns.
      [(own as Exclude<OwnTier, readonly string[]>).allow, [...path, 'allow']]
  return texts.flatMap((one, index) => {
    const pattern = parsePattern(one)
    return 'text' in pattern ? [{ text: pattern.text, at: [...at, index] }] : []
  })
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
