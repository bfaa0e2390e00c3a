import { readFile } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { checkSeal, type Seal } from '../adapters/seal.ts'
import { readSigners } from '../adapters/seal-keys.ts'
import { Fault } from '../domain/errors.ts'
import { wayOf } from './way-of.ts'

/** Where the seal of a rule set lies: beside the file or folder that it is named by. */
export const sealFileOf = (rules: string): string => `${rules.replace(/(?<=.)[/\\]+$/, '')}.seal`

export type Sealed = {
  /** The file or folder that the rule set is named by. */
  readonly path: string
  /** All files that it was read from. */
  readonly files: readonly string[]
  readonly hash: string
  readonly environment: string
}

/**
 * The seal of a rule set, which holds. Faults: `rules/unsealed`, `rules/seal-invalid`, and `keys/forbidden` where the keys
 * lie with the rules, since whoever changes the one could change the other.
 */
export const checkSealed = async (
  { path, files, hash, environment }: Sealed,
  keyFile: string,
): Promise<Seal> => {
  await demandApart([path, ...files], keyFile)
  const signers = await readSigners(keyFile)
  const sealFile = sealFileOf(path)
  const mend = `have somebody else than its author read it, then: pagepass rules seal ${path} --key FILE`
  const text = await readFile(sealFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('rules/unsealed', `the rule set ${path} is not sealed: no ${sealFile} (${error.code})`, {
      mend,
    })
  })
  const checked = await checkSeal(text.trim(), { hash, environment }, signers)
  if ('seal' in checked) return checked.seal
  throw new Fault('rules/seal-invalid', `the seal ${sealFile} does not hold: ${checked.what}`, {
    mend: checked.mend,
  })
}

/** By the names that were given, by what they lead to and by all between: a link is no way around this. */
const demandApart = async (files: readonly string[], keyFile: string): Promise<void> => {
  const ways = await Promise.all(files.map(wayOf))
  const folders = [
    ...ways.flatMap(({ names }) => names.map((name) => dirname(name))),
    ...[0, -1].map((at) => ways.map(({ names }) => dirname(names.at(at) ?? '')).reduce(commonFolder)),
  ]
  const way = await wayOf(keyFile)
  const keys = [...way.names, ...way.links]
  const folder = folders.find((one) => one !== '' && keys.some((key) => key.startsWith(withEnd(one))))
  if (folder === undefined) return
  throw new Fault('keys/forbidden', `${keyFile} lies with the rule set, in ${folder}`, {
    mend: 'keep it where whoever changes the rule set can’t write, and set PAGEPASS_RULES_KEYS to it',
  })
}

const withEnd = (folder: string): string => (folder.endsWith(sep) ? folder : folder + sep)

/** The deepest folder that holds both; '' where that is the root. */
const commonFolder = (one: string, other: string): string => {
  const parts = other.split(sep)
  const same = one.split(sep).findIndex((part, index) => part !== parts[index])
  return same === -1 ? one : one.split(sep).slice(0, same).join(sep)
}
