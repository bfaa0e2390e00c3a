import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { aFolder } from '../builders.ts'

/** A folder for the tests of one file: it is made before them, and gone after. */
export const useFolder = () => {
  let folder: string
  let remove: () => Promise<unknown>
  beforeAll(async () => {
    ;({ folder, remove } = await aFolder())
  })
  afterAll(() => remove())
  const at = (...names: readonly string[]): string => join(folder, ...names)
  return {
    /** The path of what is called so there. */
    at,
    /** Writes a file there, with the folders that it is in; gives its path. */
    put: async (name: string, text: string): Promise<string> => {
      await mkdir(dirname(at(name)), { recursive: true })
      await writeFile(at(name), text)
      return at(name)
    },
  }
}
