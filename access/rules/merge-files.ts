import { nearest } from '../domain/nearest.ts'
import { keysAt } from './faults/schema-at.ts'
import { quoted } from './faults/wording.ts'
import { type ReadFile, type Report, type RuleSetFault, stemOf } from './rule-file.ts'
import type { YamlPath } from './yaml/read-yaml.ts'

/** What an environment's file may say: who people are there, and where services are. */
export const ofEnvironment: readonly string[] = [
  'version',
  'environment',
  'domain',
  'identity',
  'workloads',
  'services',
]
export const ofEnvironmentService: readonly string[] = [
  'releases',
  'serve',
  'pagerduty',
  'trusted_triggers',
  'channel',
]
export const ofTeam: readonly string[] = ['version', 'services']

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
  const reports = new Map<string, Report>()

  const ordered = [...read].sort((a, b) => order.indexOf(a.file.part) - order.indexOf(b.file.part))
  for (const { file, source } of ordered) {
    const report: Report = (path, what, part = 'key') => {
      const { line, column } = source.placeOf(path, part)
      faults.push({ file: file.name, line, column, what })
    }
    reports.set(file.name, report)
    if (!isMap(source.value)) {
      report([], 'the file is no part of a rule set; begin with a key such as "services:"')
      continue
    }
    const outside = outsideOf(file.part, source.value)
    const common = read.find((one) => one.file.part === 'common')?.file.name ?? 'the common file'
    for (const path of outside) report(path, whyOutside(file.part, path, common))
    const value = without(source.value, outside)

    const put = (into: Said, path: YamlPath, what: unknown): void => {
      const key = String(path.at(-1))
      const id = JSON.stringify(path)
      const known = Object.hasOwn(into, key) ? into[key] : undefined
      // A team says all of a service; an environment adds to what was said of it.
      const atOnce = file.part === 'team' && path.length === 2
      if (known === undefined) {
        saidIn.set(id, file.name)
        into[key] = what
      } else if (isMap(known) && isMap(what) && !atOnce) {
        const joined = { ...known }
        for (const [inner, value] of Object.entries(what)) put(joined, [...path, inner], value)
        into[key] = joined
      } else if (isMap(known) && !isMap(what)) {
        report(
          path,
          Array.isArray(what)
            ? `"${key}" must not be a list; write each name as a key below it, without "-", as in ${saidAt(saidIn, path)}`
            : `"${key}" must be keys with values, as in ${saidAt(saidIn, path)}`,
          'value',
        )
      } else if (path.length > 1 || key !== 'version' || what !== known) {
        report(path, `"${key}" is said in ${saidAt(saidIn, path)} already; say it once`)
      }
    }
    const sound = file.part === 'environment' ? withKnownServices(merged, value, report) : value
    for (const [key, said] of Object.entries(sound)) put(merged, [key], said)

    if (file.part === 'team') checkOwners(stemOf(file), merged, value, report)
    if (file.part === 'environment')
      checkEnvironment(stemOf(file), merged, reports.get(saidIn.get('["environment"]') ?? '') ?? report)
  }
  return { value: merged, faults }
}

const saidAt = (saidIn: ReadonlyMap<string, string>, path: YamlPath): string => {
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

/** The same without these parts: what a file may not say is a fault, and no more faults follow from it. */
const without = (value: Said, paths: readonly YamlPath[]): Said => {
  if (paths.length === 0) return value
  const left: Said = {}
  for (const [key, inner] of Object.entries(value)) {
    if (paths.some((path) => path.length === 1 && path[0] === key)) continue
    const below = paths.filter((path) => path.length > 1 && path[0] === key).map((path) => path.slice(1))
    left[key] = isMap(inner) ? without(inner, below) : inner
  }
  return left
}

const whyOutside = (part: ReadFile['file']['part'], path: YamlPath, common: string): string => {
  const key = String(path.at(-1))
  if (path.length === 1 && !keysAt([]).includes(key)) {
    const hint = nearest(key, keysAt([]))
    const mend =
      hint === undefined ? 'if it is a service, indent it below "services:"' : `did you mean "${hint}"?`
    return `unknown key ${quoted(key)}; ${mend}`
  }
  if (part === 'team')
    return `"${key}" is not a team's to say; a team's file holds its "services" and nothing else, so say it in ${common}`
  const may = path.length === 1 ? ofEnvironment.slice(1) : ofEnvironmentService
  const what = path.length === 1 ? 'an environment says only' : 'of a service an environment says only'
  const place = path.length === 1 ? common : "the file of the service's team"
  return `"${key}" is the same in every environment, so say it in ${place}; ${what} ${may.join(', ')}`
}

/** An environment says where services are, never that there is another. */
const withKnownServices = (merged: Said, value: Said, report: Report): Said => {
  if (!isMap(value.services)) return value
  const known = isMap(merged.services) ? Object.keys(merged.services) : []
  const left: Said = {}
  for (const [name, service] of Object.entries(value.services)) {
    // Where no service is known at all, that is the fault.
    if (known.includes(name) || known.length === 0) {
      left[name] = service
      continue
    }
    const hint = nearest(name, known)
    const mend = hint === undefined ? "add it to its team's file first" : `did you mean "${hint}"?`
    report(['services', name], `no file says what the service ${quoted(name)} is; ${mend}`)
  }
  return { ...value, services: left }
}

/** A team's file is named after its set of people, and holds what that set owns. */
const checkOwners = (team: string, merged: Said, value: Said, report: Report): void => {
  if (!isMap(value.services)) return
  const people = isMap(merged.people) ? Object.keys(merged.people) : []
  if (people.length > 0 && !people.includes(team)) {
    const hint = nearest(team, people)
    const mend =
      hint === undefined ? `known are: ${people.slice(0, 8).join(', ')}` : `did you mean "${hint}"?`
    report(
      [],
      `this file is named after no set of people: unknown people ${quoted(team)}; rename it; ${mend}`,
    )
    return
  }
  const services: Said = isMap(merged.services) ? { ...merged.services } : {}
  for (const [name, service] of Object.entries(value.services)) {
    if (!isMap(service) || services[name] !== service) continue
    if (service.owners === undefined) services[name] = { ...service, owners: [team] }
    else if (Array.isArray(service.owners) && !service.owners.includes(team))
      report(
        ['services', name, 'owners'],
        `"${name}" is not owned by "${team}", whose file this is; move it to a file of its owners`,
      )
  }
  merged.services = services
}

const checkEnvironment = (name: string, merged: Said, report: Report): void => {
  merged.environment ??= name
  if (merged.environment !== name)
    report(
      ['environment'],
      `${quoted(merged.environment)} is not what the environment's file is named; write ${name}, or rename the file`,
      'value',
    )
}
