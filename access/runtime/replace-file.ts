import { randomUUID } from 'node:crypto'
import { lstat, rename, rm, writeFile } from 'node:fs/promises'

/**
 * Puts a new file in the place of another, whole or not at all: what lay there before, be it a link, is not written to.
 * No more people may read it than could read that. Rejects with the error of the file system.
 */
export const replaceFile = async (file: string, text: string): Promise<void> => {
  const fresh = `${file}.${randomUUID()}`
  const before = await lstat(file).catch(() => undefined)
  const mode = before?.isFile() ? before.mode & 0o777 : 0o666
  try {
    await writeFile(fresh, text, { flag: 'wx', mode })
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}
