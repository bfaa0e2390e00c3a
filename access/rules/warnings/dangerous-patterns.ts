import type { Pattern } from '../../domain/path-pattern.ts'
import { type Service, tierOf } from '../../domain/rule-set.ts'
import { allLevels, servicesOn } from '../own-tiers.ts'
import { patternsOf, patternsOfStanding, type WrittenPattern } from '../written-patterns.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { type Danger, dangerIn, dangers } from './dangers.ts'
import type { Finding, Looked } from './finding.ts'

/** Patterns that name a path which tells or does more than one expects of a read. */
export const dangerousPatterns = (looked: Looked): Finding[] => [
  ...writtenOnce(looked).flatMap(({ written, services }) => {
    const danger = dangerIn(
      written.pattern,
      dangers.filter(({ belongs }) => isTooLow(belongs, written.tier, services)),
    )
    return danger === undefined ? [] : [dangerous(written.path, written.pattern, danger)]
  }),
  ...patternsOfStanding(looked.source).flatMap(({ path, pattern }) => {
    const danger = dangerIn(pattern)
    return danger === undefined ? [] : [standingDanger(path, pattern, danger)]
  }),
]

/** Wide patterns of the lowest tier: one note for each place that says so, however many services share it. */
export const widePatterns = (looked: Looked): Finding[] => {
  const [lowest, ...above] = Object.keys(looked.source.tiers)
  return writtenOnce(looked).flatMap(({ written: { path, pattern, tier } }): Finding[] => {
    if (tier !== lowest || !pattern.open || pattern.segments.length > 0) return []
    if (pattern.method === '*' && above.length > 0)
      return [
        {
          kind: 'everything-in-lowest',
          path,
          what: `"${pattern.text}" puts everything into the lowest tier, "${tier}": whoever may look may also change; move it up`,
        },
      ]
    if (pattern.method !== 'GET') return []
    return [
      {
        kind: 'reads-everything',
        path,
        what: `"${pattern.text}" reads all there is, also what nobody thought of (/actuator/heapdump, /debug/pprof, /.env); where a service has such paths, name what may be read instead`,
      },
    ]
  })
}

type Placed = { readonly written: WrittenPattern; readonly services: readonly Service[] }

/** Every pattern where it is written, with the services that it is for. */
const writtenOnce = ({ rules, source }: Looked): Placed[] =>
  allLevels(source).flatMap((level) => {
    const services = servicesOn(source, level).flatMap((name) => rules.services.get(name) ?? [])
    return services.length === 0 ? [] : patternsOf(level).map((written) => ({ written, services }))
  })

const isTooLow = (belongs: Danger['belongs'], tier: string, services: readonly Service[]): boolean =>
  services.some((service) => {
    const { approvals, rank } = tierOf(service, tier) ?? {}
    return approvals === undefined && (belongs === 'approval' || rank === 0)
  })

const kindOf = ({ belongs, methods }: Danger): Finding['kind'] =>
  belongs === 'above' || methods.includes('WS') ? 'does-more-than-read' : 'reads-too-much'

const pathOf = ({ segments }: Danger): string => `/${segments.join('/')}`

const dangerous = (path: YamlPath, { text }: Pattern, danger: Danger): Finding => ({
  kind: kindOf(danger),
  path,
  what: `"${text}" reaches ${pathOf(danger)}: ${danger.because}; ${
    danger.belongs === 'approval'
      ? 'put it into a tier that needs approval, or name only what may be read'
      : 'put it into a tier above the lowest, or leave it out'
  }`,
})

const standingDanger = (path: YamlPath, { text }: Pattern, danger: Danger): Finding => ({
  kind: kindOf(danger),
  path,
  what: `"${text}" reaches ${pathOf(danger)} without a pass: ${danger.because}; leave it out, or put it into a tier that is asked for`,
})
