import { jsonSchemaOf, printSchema } from '#access/rules/json-schema.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'

export const schemaParts = ['whole', 'common', 'team', 'environment'] as const satisfies RuleFile['part'][]

/** Prints the JSON Schema by which editors complete and underline a rule set, or one part of a folder. */
export const printRulesSchema = ({ part }: { readonly part: (typeof schemaParts)[number] }): void => {
  process.stdout.write(printSchema(jsonSchemaOf(part)))
}
