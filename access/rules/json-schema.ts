import { z } from 'zod'
import { isSchema, type JsonSchema } from './faults/schema-at.ts'
import { ofEnvironment, ofEnvironmentService, ofTeam } from './merge-files.ts'
import type { RuleFile } from './rule-file.ts'
import { ruleSetSource } from './source.ts'

const titles: Readonly<Record<RuleFile['part'], string>> = {
  whole: 'Pagepass: the rule set',
  common: 'Pagepass: what is common in a folder of rules (access.yaml)',
  team: 'Pagepass: the services of a team (services/<team>.yaml)',
  environment: 'Pagepass: the addresses and ids of an environment (env/<environment>.yaml)',
}

/**
 * The shape of a rule set, or of one part of a folder, as JSON Schema draft-07 (the newest that the YAML language server
 * knows): for editors, which complete and underline by it. It refuses less than `parseRuleSet` does, since it can't follow names.
 */
export const jsonSchemaOf = (part: RuleFile['part'] = 'whole'): JsonSchema => {
  const whole = z.toJSONSchema(ruleSetSource, {
    io: 'input',
    target: 'draft-07',
    override: ({ zodSchema, jsonSchema }) => {
      // Zod leaves them out, because it can't know whether they are examples of what is read or of what becomes of it.
      const examples = z.globalRegistry.get(zodSchema)?.['examples']
      if (Array.isArray(examples)) jsonSchema.examples = examples
      // What an editor fills in has to be worth keeping.
      if (isEmpty(jsonSchema.default)) delete jsonSchema.default
    },
  })
  const { $schema, ...shape } = schemaOf(part, whole)
  return { ...($schema === undefined ? {} : { $schema }), title: titles[part], ...shape }
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** Each thing is said in one file of a folder, so what another file may say is not required. */
const schemaOf = (part: RuleFile['part'], whole: JsonSchema): JsonSchema => {
  const { properties = {}, required = [] } = whole
  const { services, identity } = properties
  if (part === 'whole' || !isSchema(services) || !isSchema(identity)) return whole
  if (part === 'team')
    return {
      ...whole,
      properties: only(ofTeam, { ...properties, services: looser(services) }),
      required: ['services'],
    }
  if (part === 'environment')
    return {
      ...whole,
      properties: only(ofEnvironment, {
        ...properties,
        identity: { ...identity, required: [] },
        services: looser(services, ofEnvironmentService),
      }),
      required: [],
    }
  return {
    ...whole,
    properties: { ...properties, identity: { ...identity, required: [] }, services: looser(services) },
    required: required.filter((key) => !ofEnvironment.includes(key)),
  }
}

type Properties = NonNullable<JsonSchema['properties']>

/** Services of which nothing has to be said, and nothing may be but what these keys say. */
const looser = (services: JsonSchema, keys?: readonly string[]): JsonSchema => {
  const one = services.additionalProperties
  if (!isSchema(one)) return services
  const properties = one.properties ?? {}
  return {
    ...services,
    additionalProperties: {
      ...one,
      properties: keys === undefined ? properties : only(keys, properties),
      required: [],
    },
  }
}

const only = (keys: readonly string[], properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([key]) => keys.includes(key)))

const widest = 110

/** A schema as a file holds it: short lists on one line. */
export const printSchema = (schema: JsonSchema): string => `${print(schema, '', 0)}\n`

/** `before` is how much stands before it on its line. */
const print = (value: unknown, indent: string, before: number): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const list = Array.isArray(value)
  const flat = list ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]` : ''
  const plain = list && value.every((one) => typeof one !== 'object')
  if (plain && before + flat.length < widest) return flat
  const inner = `${indent}  `
  const rows = list
    ? value.map((one) => print(one, inner, inner.length))
    : Object.entries(value).map(([key, one]) => {
        const name = `${JSON.stringify(key)}: `
        return `${name}${print(one, inner, inner.length + name.length)}`
      })
  const [open, close] = list ? '[]' : '{}'
  if (rows.length === 0) return `${open}${close}`
  return `${open}\n${rows.map((row) => `${inner}${row}`).join(',\n')}\n${indent}${close}`
}
