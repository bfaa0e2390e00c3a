import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Seal } from '../adapters/seal.ts'
import { Fault } from '../domain/errors.ts'
import { parseRuleSet, type SoundRuleSet } from '../rules/parse-rule-set.ts'
import type { Place, RuleFile } from '../rules/rule-file.ts'
import { checkSealed } from './check-sealed.ts'
import { exists } from './exists.ts'
import { isCases } from './rule-cases.ts'

/** A rule set as it was read, and the files that say it. */
export type LoadedRules = SoundRuleSet & {
  /** What names it: the file itself, or in a folder the file of the environment. */
  readonly path: string
  readonly files: readonly string[]
  /** Of the bytes that were read. */
  readonly hashes: FileHashes
}

/** The SHA-256 of each file, in hex, by its name. */
export type FileHashes = ReadonlyMap<string, string>

export const hashesOf = (files: readonly RuleFile[]): FileHashes =>
  new Map(files.map(({ name, bytes }) => [name, createHash('sha256').update(bytes).digest('hex')]))

const common = 'access.yaml'

/**
 * Reads and checks a rule set: one file; or a folder with `access.yaml`, `services/*.yaml` and `env/*.yaml`, named by
 * one of its environments (`rules/env/production.yaml`). Its faults are named as `file:line:column what`, all at once.
 */
export const loadRules = async (path: string): Promise<LoadedRules> => {
  const { files, named } = await findFiles(path)
  const sound = parseSound(files, (it) => `mend ${it}, then try: pagepass rules check ${named}`)
  return { ...sound, path: named, files: files.map(({ name }) => name), hashes: hashesOf(files) }
}

/** A rule set without faults; otherwise faults with `rules/invalid`, and all of them are named. */
export const parseSound = (
  files: readonly RuleFile[],
  mend: (faults: 'it' | 'them') => string,
): SoundRuleSet => {
  const parsed = parseRuleSet(files)
  if (parsed.ok) return parsed
  const lines = parsed.faults.map((fault) => `${placeText(fault)} ${fault.what}`)
  throw new Fault('rules/invalid', lines.join('\n'), { mend: mend(lines.length === 1 ? 'it' : 'them') })
}

/** `file:line:column`, where editors and terminals go. */
export const placeText = ({ file, line, column }: Place): string => `${file}:${line}:${column}`

/** The files of a rule set as they are now, not looked into. Faults with `rules/unreadable`. */
export const readRuleFiles = async (path: string): Promise<readonly RuleFile[]> =>
  (await findFiles(path)).files

/** The environments of a folder, as the paths that name them; the path itself where it has none. */
export const environmentsOf = async (path: string): Promise<string[]> => {
  if (!(await isFolder(path))) return [path]
  const names = await yamlIn(join(path, 'env'))
  return names.length === 0 ? [path] : names
}

const findFiles = async (
  path: string,
): Promise<{ readonly files: readonly RuleFile[]; readonly named: string }> => {
  if (await isFolder(path)) {
    const environments = await yamlIn(join(path, 'env'))
    const [only] = environments
    if (environments.length > 1)
      throw new Fault('rules/unreadable', `${path} holds several environments`, {
        mend: `name one of them: ${environments.join(', ')}`,
      })
    return { files: await filesOf(path, only), named: only ?? path }
  }
  const folder = dirname(dirname(path))
  const inFolder = basename(dirname(path)) === 'env' && (await exists(join(folder, common)))
  if (inFolder) return { files: await filesOf(folder, path), named: path }
  return { files: [await readPart(path, 'whole')], named: path }
}

const filesOf = async (folder: string, environment: string | undefined): Promise<RuleFile[]> => {
  const teams = await yamlIn(join(folder, 'services'))
  return Promise.all([
    readPart(join(folder, common), 'common'),
    ...teams.map((file) => readPart(file, 'team')),
    ...(environment === undefined ? [] : [readPart(environment, 'environment')]),
  ])
}

const readPart = async (name: string, part: RuleFile['part']): Promise<RuleFile> => {
  const bytes = await readFile(name).catch((error: NodeJS.ErrnoException) => {
    throw new Fault('rules/unreadable', `the rule set ${name} can't be read (${error.code})`, {
      mend: 'name a file, or a folder with access.yaml; a process reads PAGEPASS_RULES',
    })
  })
  return { name, part, bytes }
}

/** Whether a file of this name, in the folder of teams or environments, is part of the rule set. */
export const isPart = (name: string): boolean =>
  /\.ya?ml$/.test(name) && !isCases(name) && !name.startsWith('.')

const yamlIn = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new Fault('rules/unreadable', `the folder ${folder} can't be read (${error.code})`, {
      mend: 'let this user read it',
    })
  })
  return names
    .filter(isPart)
    .sort()
    .map((name) => join(folder, name))
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

export type RulesForProcess = LoadedRules & {
  /** Undefined in a sandbox that demands none. */
  readonly seal: Seal | undefined
}

/** The rule set for a process: in production sealed, and who people are may not come over plain HTTP. */
export const loadRulesFor = async (config: {
  readonly PAGEPASS_MODE: 'production' | 'sandbox'
  readonly PAGEPASS_RULES: string
  readonly PAGEPASS_RULES_KEYS?: string | undefined
}): Promise<RulesForProcess> => {
  const { PAGEPASS_MODE: mode, PAGEPASS_RULES_KEYS: keyFile } = config
  const loaded = await loadRules(config.PAGEPASS_RULES)
  const { rules, path, files } = loaded
  if (mode === 'production' && !rules.identity.issuer.startsWith('https://')) {
    throw new Fault('rules/invalid', `${path}: the issuer ${rules.identity.issuer} is not https`, {
      mend: 'production needs an identity provider with https',
    })
  }
  if (mode === 'production' && keyFile === undefined) {
    throw new Fault('config/invalid', 'PAGEPASS_RULES_KEYS: is missing', {
      mend: 'set it to the file that names who may seal the rule set',
    })
  }
  const { hash, environment } = rules
  const seal =
    keyFile === undefined ? undefined : await checkSealed({ path, files, hash, environment }, keyFile)
  return { ...loaded, seal }
}
