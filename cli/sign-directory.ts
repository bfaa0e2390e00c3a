import { readFile } from 'node:fs/promises'
import { parse, YAMLParseError } from 'yaml'
import { loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { Fault } from '#access/domain/errors.ts'
import { signDirectory } from '#access/runtime/directory.ts'
import { replaceFile } from '#access/runtime/replace-file.ts'

/** Signs a directory written as YAML (`- { issuer, subject, name, groups, active, slack, pagerduty }`). */
export const signDirectoryFile = async (
  file: string,
  options: { readonly keys: string; readonly environment: string; readonly out: string },
): Promise<void> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('directory/invalid', `${file} can't be read (${error.code})`)
  })
  const people = read(text, file)
  const keys = await loadKeys(options.keys, 'offline', options.environment)
  const signed = await signDirectory(people, createStatements(keys), options.environment, Date.now())
  await replaceFile(options.out, `${signed}\n`).catch((error: NodeJS.ErrnoException) => {
    throw new Fault('file/unwritable', `${options.out} can't be written (${error.code})`, {
      mend: 'name a file in a folder where this user may write',
    })
  })
}

const read = (text: string, file: string): unknown => {
  try {
    // Warnings would be the library's own words on stderr.
    return parse(text, { logLevel: 'error' })
  } catch (error) {
    // Without the cause: its message quotes the file, and that is people.
    const place = error instanceof YAMLParseError ? error.linePos?.[0] : undefined
    const where = place === undefined ? file : `${file}:${place.line}:${place.col}`
    throw new Fault('directory/invalid', `${where} can't be read as YAML`, {
      mend: 'write a list of people there, each with issuer, subject, name, groups and active',
    })
  }
}
