import { sealOf } from '#access/adapters/seal.ts'
import { readSealKey } from '#access/adapters/seal-keys.ts'
import { Fault } from '#access/domain/errors.ts'
import { sealFileOf } from '#access/runtime/check-sealed.ts'
import { createClock } from '#access/runtime/clock.ts'
import { replaceFile } from '#access/runtime/replace-file.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { lastAuthorOf } from './last-author.ts'

/**
 * Seals a rule set: writes beside it that whoever holds the key has read it. Faults where it has faults, where its author
 * is not known, and where author and signer are one person.
 */
export const sealRules = async (
  given: string,
  options: { readonly key: string; readonly author?: string },
): Promise<void> => {
  const { rules, path, files } = await loadRules(given)
  const { hash, environment } = rules
  const signer = await readSealKey(options.key)
  const author = options.author?.trim() || (await lastAuthorOf(files))
  if (author === undefined)
    throw new Fault('rules/author-unknown', `git does not say who wrote ${path} as it is now`, {
      mend: 'commit it first, or name its author: --author "Ana Lima <ana@example.com>"',
    })
  const seal = await sealOf({ rules: hash, environment, author, at: createClock().now() }, signer)
  const file = sealFileOf(path)
  await replaceFile(file, `${seal}\n`).catch((error: NodeJS.ErrnoException) => {
    throw new Fault('file/unwritable', `the seal ${file} can't be written (${error.code})`, {
      mend: 'let this user write there',
    })
  })
  const rows = [
    ['rules hash', hash],
    ['environment', environment],
    ['author', author],
    ['signer', signer.name],
    ['seal', file],
  ] as const
  process.stdout.write(rows.map(([what, value]) => `${what.padEnd(11)}  ${value}\n`).join(''))
}
