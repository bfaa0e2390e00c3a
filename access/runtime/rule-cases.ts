import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../domain/errors.ts'
import type { CaseFile } from '../rules/cases/read-cases.ts'
import type { RuleFile } from '../rules/rule-file.ts'

/** Whether a file holds cases of a rule set, and is no part of it: `payments.test.yaml`. */
export const isCases = (name: string): boolean => /\.test\.ya?ml$/.test(name)

/**
 * The cases beside a rule set: `access.test.yaml` beside `access.yaml`, and in a folder `services/*.test.yaml`, too; those
 * of these files that there are. Faults with `rules/unreadable`.
 */
export const readCasesBeside = async (
  files: readonly RuleFile[],
): Promise<{ readonly names: readonly string[]; readonly files: CaseFile[] }> => {
  const main = files.find(({ part }) => part === 'whole' || part === 'common')
  if (main === undefined) return { names: [], files: [] }
  const [, stem = main.name, end = '.yaml'] = /^(.*?)(\.ya?ml)?$/.exec(main.name) ?? []
  const names = [`${stem}.test${end}`]
  if (main.part === 'common') {
    const services = join(dirname(main.name), 'services')
    const inFolder = await readdir(services).catch(unlessMissing<string[]>(services, []))
    names.push(
      ...inFolder
        .filter((name) => isCases(name) && !name.startsWith('.'))
        .sort()
        .map((name) => join(services, name)),
    )
  }
  const read = names.map(async (name) => {
    const bytes = await readFile(name).catch(unlessMissing(name, undefined))
    return bytes === undefined ? [] : [{ name, bytes }]
  })
  return { names, files: (await Promise.all(read)).flat() }
}

/** These files of cases, which have to be there. Faults with `rules/unreadable`. */
export const readCasesNamed = (names: readonly string[]): Promise<CaseFile[]> =>
  Promise.all(
    names.map(async (name) => ({
      name,
      bytes: await readFile(name).catch((error: NodeJS.ErrnoException) => unreadable(name, error)),
    })),
  )

const unlessMissing =
  <Instead>(name: string, instead: Instead) =>
  (error: NodeJS.ErrnoException): Instead =>
    error.code === 'ENOENT' ? instead : unreadable(name, error)

const unreadable = (name: string, { code }: NodeJS.ErrnoException): never => {
  throw new Fault('rules/unreadable', `${name} can't be read (${code})`, {
    mend: 'name files of cases that this user may read',
  })
}
