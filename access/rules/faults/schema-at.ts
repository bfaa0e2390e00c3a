import { z } from 'zod'
import { ruleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'

export type JsonSchema = z.core.JSONSchema.JSONSchema
export const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Which keys may stand where in a kind of file. */
export type Layout = {
  /** The keys that may stand in the map at a path; none where all names may. */
  readonly keysAt: (path: YamlPath) => string[]
  /** Whether the map at a path is one of names that are given there, such as services. */
  readonly holdsNames: (path: YamlPath) => boolean
  /** What is said of a file that is none of this kind. */
  readonly isNone: string
  /** Where else something may be added that is missing; undefined where only its parent is the place. */
  readonly elsewhere?: (path: YamlPath) => string | undefined
}

/** The shapes that a part may have; several where it may be one thing or another. */
const shapesAt = (root: unknown, path: YamlPath): JsonSchema[] => {
  let shapes = branchesOf(root)
  for (const key of path)
    shapes = shapes.flatMap((shape) =>
      branchesOf(
        typeof key === 'number'
          ? shape.items
          : shape.properties !== undefined && Object.hasOwn(shape.properties, key)
            ? shape.properties[key]
            : shape.additionalProperties,
      ),
    )
  return shapes
}

const branchesOf = (schema: unknown): JsonSchema[] => {
  if (!isSchema(schema)) return []
  return Array.isArray(schema.anyOf) ? schema.anyOf.flatMap(branchesOf) : [schema]
}

export const layoutOf = (shape: z.ZodType, isNone: string): Layout => {
  const root: unknown = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' })
  return {
    keysAt: (path) => [
      ...new Set(shapesAt(root, path).flatMap(({ properties = {} }) => Object.keys(properties))),
    ],
    holdsNames: (path) =>
      shapesAt(root, path).some(({ additionalProperties }) => isSchema(additionalProperties)),
    isNone,
  }
}

export const ruleSetLayout = layoutOf(ruleSetSource, 'the file is not a rule set; begin with "version: 1"')
export const { keysAt, holdsNames } = ruleSetLayout
