import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'

/**
 * Puts a new file in the place of another, whole or not at all: what lay there before, be it a link, is not written to.
 * Rejects with the error of the file system.
 */
export const replaceFile = async (file: string, text: string): Promise<void> => {
  const fresh = `${file}.${randomUUID()}`
  try {
    await writeFile(fresh, text, { flag: 'wx' })
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}
