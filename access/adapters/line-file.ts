import { appendFile, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The lines of a file that hold anything; undefined where there is no such file. Rejects with the error of the file system. */
export const readLines = async (file: string): Promise<readonly string[] | undefined> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Adds a line to a file, and on to the disk. */
export const addLine = async (file: string, line: string): Promise<void> => {
  await appendFile(file, `${line}\n`, { mode: 0o600 })
  await toDisk(file, 'r+')
}

/** Puts these lines in the place of a file, whole or not at all, and on to the disk. Nobody else may write that file. */
export const replaceLines = async (file: string, lines: readonly string[]): Promise<void> => {
  const fresh = `${file}.new`
  try {
    await writeFile(fresh, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
    await toDisk(fresh, 'r+')
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
  await toDisk(dirname(file), 'r')
}

const toDisk = async (path: string, flags: 'r' | 'r+'): Promise<void> => {
  const written = await open(path, flags)
  try {
    await written.sync()
  } finally {
    await written.close()
  }
}
