import { readFile, writeFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { Fault } from '#access/domain/errors.ts'
import { signDirectory } from '#access/runtime/directory.ts'

/** Signs a directory written as YAML (`- { issuer, subject, name, groups, active, slack, pagerduty }`). */
export const signDirectoryFile = async (
  file: string,
  options: { readonly keys: string; readonly environment: string; readonly out: string },
): Promise<void> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('directory/invalid', `${file} can't be read (${error.code})`)
  })
  const keys = await loadKeys(options.keys, 'offline', options.environment)
  const signed = await signDirectory(parse(text), createStatements(keys), options.environment, Date.now())
  await writeFile(options.out, `${signed}\n`)
}
