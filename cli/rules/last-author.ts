import { dirname, resolve } from 'node:path'
import { git } from './git.ts'

/**
 * Who changed these files last, as git tells: `Name <e-mail>`. Undefined where git does not know: no git, no repository, or
 * files that are not as they were committed. A .mailmap changes nothing: whoever seals could write their own.
 */
export const lastAuthorOf = async (files: readonly string[]): Promise<string | undefined> => {
  const all = files.map((file) => resolve(file))
  const [first] = all
  if (first === undefined) return undefined
  const folder = dirname(first)
  const said = async (words: readonly string[]): Promise<string | undefined> => {
    const answer = await git([...words, '--', ...all], folder)
    return 'out' in answer ? answer.out.trim() : undefined
  }
  const changed = await said(['status', '--porcelain', '--ignored'])
  if (changed !== '') return undefined
  return (await said(['log', '-1', '--format=%an <%ae>'])) || undefined
}
