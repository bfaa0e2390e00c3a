import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'

export type Saved<T> = { readonly state: T; save(): void }

/** State kept in one JSON file; without a file it lives in memory only. A file that can't be read is an error. */
export const openStateFile = <T>(file: string | undefined, schema: z.ZodType<T>, empty: T): Saved<T> => {
  if (file === undefined) return { state: empty, save: () => {} }
  const state = readState(file, schema) ?? empty
  return { state, save: () => writeAtomically(file, `${JSON.stringify(state)}\n`) }
}

const readState = <T>(file: string, schema: z.ZodType<T>): T | undefined => {
  const text = readIfThere(file)
  if (text === undefined) return undefined
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`The sandbox's state file ${file} is broken. Delete it to start afresh.`, { cause })
  }
}

const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

const writeAtomically = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, text, { mode: 0o600 })
  renameSync(temporary, file)
}
