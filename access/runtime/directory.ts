import { readFile } from 'node:fs/promises'
import { kidOf, type Statements } from '../adapters/statements.ts'
import { type Deactivated, directoryShape, indexDirectory } from '../domain/directory-file.ts'
import { Fault } from '../domain/errors.ts'
import type { Person } from '../domain/principal.ts'
import type { Directory } from '../ports.ts'

export type LoadedDirectory = Directory & {
  readonly deactivated: Deactivated
  /** Who it says is active, also where its key was revoked: for what only takes something away. */
  readonly active: () => readonly Person[]
}

/** Reads the signed directory file; its signature, environment and aliases must hold. */
export const loadDirectory = async (file: string, statements: Statements): Promise<LoadedDirectory> =>
  directoryOf(await readSigned(file), statements)

export const readSigned = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('directory/invalid', `the directory ${file} can't be read (${error.code})`, {
      mend: 'sign one with: pagepass directory sign',
    })
  })

export const directoryOf = async (signed: string, statements: Statements): Promise<LoadedDirectory> => {
  const statement = signed.trim()
  const { deactivated, ...directory } = indexDirectory(await statements.verify('directory', statement))
  const kid = kidOf(statement)
  return {
    ...untilRevoked(directory, () => statements.isRevokedKey(kid)),
    deactivated,
    active: () => directory.activeWhere(() => true),
  }
}

/** Whose key was revoked knows nobody: a directory makes people of aliases. */
const untilRevoked = (directory: Directory, isRevoked: () => boolean): Directory => ({
  bySlack: (team, user) => (isRevoked() ? undefined : directory.bySlack(team, user)),
  byPagerDuty: (user) => (isRevoked() ? undefined : directory.byPagerDuty(user)),
  byPrincipal: (principal) => (isRevoked() ? undefined : directory.byPrincipal(principal)),
  activeWhere: (is) => (isRevoked() ? [] : directory.activeWhere(is)),
})

/** Signs a list of people as the directory of an environment, as of `now`. Faults where two share an alias. */
export const signDirectory = async (
  people: unknown,
  statements: Statements,
  environment: string,
  now: number,
): Promise<string> => {
  const file = directoryShape.safeParse({ environment, asOf: now, people })
  if (!file.success) {
    const faults = file.error.issues.map(({ path, message }) => `${path.slice(1).join('.')}: ${message}`)
    throw new Fault('directory/invalid', faults.join('\n'), {
      mend: 'correct the directory and sign it again',
    })
  }
  indexDirectory(file.data)
  return statements.sign('directory', file.data)
}
