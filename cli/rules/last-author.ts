import { execFile } from 'node:child_process'
import { dirname, resolve } from 'node:path'

/**
 * Who changed these files last, as git tells: `Name <e-mail>`. Undefined where git does not know: no git, no repository, or
 * files that are not as they were committed. A .mailmap changes nothing: whoever seals could write their own.
 */
export const lastAuthorOf = async (files: readonly string[]): Promise<string | undefined> => {
  const all = files.map((file) => resolve(file))
  const [first] = all
  if (first === undefined) return undefined
  const folder = dirname(first)
  const changed = await git(folder, ['status', '--porcelain', '--ignored', '--', ...all])
  if (changed !== '') return undefined
  return (await git(folder, ['log', '-1', '--format=%an <%ae>', '--', ...all])) || undefined
}

/** What git says; undefined where it fails. */
const git = (folder: string, words: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile('git', ['-C', folder, ...words], { timeout: 10_000 }, (error, out) =>
      resolve(error === null ? out.trim() : undefined),
    )
  })
