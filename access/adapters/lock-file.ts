import { createHash } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readLines, replaceLines } from './line-file.ts'

/**
 * What a process knew of who is locked out: the statements of all of it, and when that was attested. The first line says how
 * it has to end, so that a part of a record is none.
 */
export type LockRecord = { readonly asOf: number; readonly statements: readonly string[] }

const name = 'pagepass-locks-1'
const ending = '.jws'

const hashOf = (asOf: number, statements: readonly string[]): string =>
  createHash('sha256')
    .update([asOf, ...statements].join('\n'))
    .digest('hex')

export const writeLockRecord = async (file: string, { asOf, statements }: LockRecord): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await replaceLines(file, [`${name} ${asOf} ${hashOf(asOf, statements)}`, ...statements])
}

/** Every record in a folder, by its file: `undefined` for what is none. Rejects where the folder can't be read. */
export const readLockRecords = async (
  folder: string,
): Promise<ReadonlyMap<string, LockRecord | undefined>> => {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const records = files
    .filter((file) => file.endsWith(ending))
    .map(async (file) => [join(folder, file), recordOf((await readLines(join(folder, file))) ?? [])] as const)
  return new Map(await Promise.all(records))
}

const recordOf = ([first = '', ...statements]: readonly string[]): LockRecord | undefined => {
  const [, at, hash] = new RegExp(`^${name} (\\d{1,15}) ([0-9a-f]{64})$`).exec(first) ?? []
  const asOf = Number(at)
  return hash !== undefined && hash === hashOf(asOf, statements) ? { asOf, statements } : undefined
}
