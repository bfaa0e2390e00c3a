import { posix } from 'node:path'
import { Fault } from '#access/domain/errors.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'
import { isPart } from '#access/runtime/rules.ts'
import { git } from './git.ts'

/** What git calls a file at a revision: `main:access.yaml`. */
export type Revision = { readonly revision: string; readonly path: string }

export const revisionOf = (text: string): Revision | undefined => {
  const [, revision, path] = /^([^:\s-][^:\s]*):(?:\.\/)?([^:]+\.ya?ml)$/.exec(text) ?? []
  return revision === undefined || path === undefined ? undefined : { revision, path }
}

/**
 * The files of a rule set as they were at a revision of the repository at hand: one file, or the folder of an
 * environment's file. Paths are from the root of the repository. Faults with `rules/unreadable`.
 */
export const readRevision = async ({ revision, path }: Revision): Promise<readonly RuleFile[]> => {
  const read = async (file: string, part: RuleFile['part']): Promise<RuleFile> => ({
    name: `${revision}:${file}`,
    part,
    bytes: await show(['show', `${revision}:${file}`]),
  })
  const folder = posix.dirname(posix.dirname(path))
  const within = (name: string): string => posix.join(folder, name)
  const names = (await show(['ls-tree', '-rz', '--full-tree', '--name-only', revision])).split('\0')
  if (posix.basename(posix.dirname(path)) !== 'env' || !names.includes(within('access.yaml')))
    return [await read(path, 'whole')]
  const teams = names.filter(
    (name) => posix.dirname(name) === within('services') && isPart(posix.basename(name)),
  )
  return Promise.all([
    read(within('access.yaml'), 'common'),
    ...teams.map((team) => read(team, 'team')),
    read(path, 'environment'),
  ])
}

const show = async (words: readonly string[]): Promise<string> => {
  const answer = await git(words)
  if ('out' in answer) return answer.out
  throw new Fault('rules/unreadable', `git can't read ${words.at(-1)}: ${answer.failed}`, {
    mend: 'name a file as git does, from the root of the repository: main:rules/access.yaml',
  })
}
