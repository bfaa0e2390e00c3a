import type { Part, Place, Report } from '../rule-file.ts'
import type { RuleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import type { Compiling } from './compiling.ts'
import { ownersName } from './known-names.ts'

/** Names rules: each by a name of its own, or by its place. Reports names that can't be told from another one. */
export const namingRules = (
  source: RuleSetSource,
  placeOf: (path: YamlPath, part?: Part) => Place,
  report: Report,
): Compiling['ruleAt'] => {
  const names = new Map<string, string>()
  const faultOf = (name: string): string | undefined => {
    if (name === ownersName) return '"owners" has a meaning of its own; choose another name'
    if (Object.hasOwn(source.tiers, name)) return `"${name}" is a tier; choose another name for the rule`
    const other = names.get(name)
    return other && `the rule at ${other} is named "${name}" already; choose another name`
  }
  return (section, index, name) => {
    const { file, line } = placeOf([section, index])
    const where = `${file}:${line}`
    if (name === undefined) return { id: `${section}[${index}]`, where }
    const fault = faultOf(name)
    if (fault !== undefined) report([section, index, 'name'], fault)
    names.set(name, names.get(name) ?? where)
    return { id: name, where }
  }
}
