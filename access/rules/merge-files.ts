import type { YamlPath } from './read-yaml.ts'
import { type ReadFile, type RuleSetFault, stemOf } from './rule-file.ts'

/** What an environment's file may say: who people are there, and where services are. */
const ofEnvironment = ['version', 'environment', 'domain', 'identity', 'workloads', 'services']
const ofEnvironmentService = ['releases', 'serve', 'pagerduty', 'trusted_triggers', 'channel']
const ofTeam = ['version', 'services']

const order = ['whole', 'common', 'team', 'environment']

type Said = Record<string, unknown>
const isMap = (value: unknown): value is Said =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The files of a folder as one value. Each thing is said in one of them: a team's file holds its own services and
 * nothing else, an environment's only addresses and ids.
 */
export const mergeFiles = (
  read: readonly ReadFile[],
): { readonly value: unknown; readonly faults: readonly RuleSetFault[] } => {
  const [only] = read
  if (read.length === 1 && only?.file.part === 'whole') return { value: only.source.value, faults: [] }
  const faults: RuleSetFault[] = []
  const merged: Said = {}
  const saidIn = new Map<string, string>()

  const ordered = [...read].sort((a, b) => order.indexOf(a.file.part) - order.indexOf(b.file.part))
  for (const { file, source } of ordered) {
    const report = (path: YamlPath, what: string): void => {
      const { line, column } = source.placeOf(path, 'key')
      faults.push({ file: file.name, line, column, what })
    }
    const { value } = source
    if (!isMap(value)) {
      report([], 'the file is no part of a rule set; begin with a key such as "services:"')
      continue
    }
    const outside = outsideOf(file.part, value)
    for (const path of outside) report(path, whyOutside(file.part, String(path.at(-1))))

    const put = (into: Said, path: YamlPath, what: unknown): void => {
      const key = String(path.at(-1))
      const id = JSON.stringify(path)
      const known = into[key]
      // A team says all of a service; an environment adds to what was said of it.
      const atOnce = file.part === 'team' && path.length === 2
      if (known === undefined) {
        saidIn.set(id, file.name)
        into[key] = what
      } else if (isMap(known) && isMap(what) && !atOnce) {
        const joined = { ...known }
        for (const [inner, value] of Object.entries(what)) put(joined, [...path, inner], value)
        into[key] = joined
      } else if (key !== 'version') {
        report(path, `"${key}" is said in ${saidIn.get(id) ?? firstOf(saidIn, path)} already; say it once`)
      }
    }
    for (const [key, said] of Object.entries(value))
      if (!outside.some((path) => path.length === 1 && path[0] === key)) put(merged, [key], said)

    if (file.part === 'team') checkOwners(stemOf(file), merged, value, report)
    if (file.part === 'environment') checkEnvironment(stemOf(file), merged, value, report)
  }
  return { value: merged, faults }
}

const firstOf = (saidIn: ReadonlyMap<string, string>, path: YamlPath): string => {
  for (let length = path.length; length > 0; length -= 1) {
    const file = saidIn.get(JSON.stringify(path.slice(0, length)))
    if (file !== undefined) return file
  }
  return 'another file'
}

/** What a file of this part says that it may not. */
const outsideOf = (part: ReadFile['file']['part'], value: Said): YamlPath[] => {
  if (part !== 'team' && part !== 'environment') return []
  const allowed = part === 'team' ? ofTeam : ofEnvironment
  const outside: YamlPath[] = Object.keys(value)
    .filter((key) => !allowed.includes(key))
    .map((key) => [key])
  const { services } = value
  if (part === 'team' || !isMap(services)) return outside
  for (const [name, service] of Object.entries(services)) {
    if (!isMap(service)) continue
    for (const key of Object.keys(service))
      if (!ofEnvironmentService.includes(key)) outside.push(['services', name, key])
  }
  return outside
}

const whyOutside = (part: ReadFile['file']['part'], key: string): string =>
  part === 'team'
    ? `"${key}" is not a team’s to say; a team’s file holds its "services" and nothing else`
    : `"${key}" is the same everywhere; an environment’s file holds only addresses and ids (${[...ofEnvironment.slice(1), ...ofEnvironmentService].join(', ')})`

type Report = (path: YamlPath, what: string) => void

/** A team's file is named after its set of people, and holds what that set owns. */
const checkOwners = (team: string, merged: Said, value: Said, report: Report): void => {
  if (!isMap(value.services)) return
  const services: Said = isMap(merged.services) ? { ...merged.services } : {}
  for (const [name, service] of Object.entries(value.services)) {
    if (!isMap(service) || services[name] !== service) continue
    if (service.owners === undefined) services[name] = { ...service, owners: [team] }
    else if (Array.isArray(service.owners) && !service.owners.includes(team))
      report(
        ['services', name, 'owners'],
        `"${name}" is not owned by "${team}", whose file this is; move it to its owner’s file`,
      )
  }
  merged.services = services
}

const checkEnvironment = (name: string, merged: Said, value: Said, report: Report): void => {
  if (value.environment === undefined && merged.environment === undefined) merged.environment = name
  if (merged.environment !== name)
    report(
      ['environment'],
      `this file is named "${name}", so the environment is "${name}"; rename one of them`,
    )
}
