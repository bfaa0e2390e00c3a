import { join } from 'node:path'
import type { Command } from 'commander'
import { Fault } from '#access/domain/errors.ts'
import { diffRuleSets } from '#access/rules/diff.ts'
import type { SoundRuleSet } from '#access/rules/parse-rule-set.ts'
import { exists } from '#access/runtime/exists.ts'
import { loadRules, parseSound } from '#access/runtime/rules.ts'
import { tellFault } from '#access/runtime/run-process.ts'
import { hasColours } from '../print.ts'
import { diffJson, diffText, type Named } from './diff-text.ts'
import { readRevision, revisionOf } from './read-revision.ts'

type DiffOptions = {
  readonly rules?: string
  readonly addresses?: boolean
  readonly json?: boolean
  readonly exitCode?: boolean
}

const help = `
Each is a file, a folder, the file of an environment (rules/env/staging.yaml), a file as git has it at a revision
(main:access.yaml or main:rules/env/staging.yaml, from the root of the repository; no folder), or the name of an
environment. Compared is what they mean: what each set of people gets by asking, by a page and without a pass; which
tier each request needs; and on which terms. The most dangerous change comes first. Between two environments addresses
and ids are only counted.

Exit code: 0 they could be compared; 1 access changes, under --exit-code; 2 one of them has faults or can't be read.

  pagepass rules diff main:access.yaml access.yaml --exit-code
  pagepass rules diff staging production`

/** The command `diff`, put on one that is new. */
export const addDiff = (command: Command, environment: NodeJS.ProcessEnv): void => {
  command
    .description('say what access changes between two rule sets, in sentences; or "no access changes"')
    .argument('<old>', 'a rule set')
    .argument('<new>', 'another')
    .option('--rules <folder>', 'where names of environments are looked up (rules, or this folder)')
    .option('--addresses', 'between environments, tell addresses and ids of each service, too')
    .option('--exit-code', 'exit with 1 where access changes')
    .option(
      '--json',
      'one JSON object: old, new, changes (kind, weight, text, who, tiers, services), leftOut',
    )
    .addHelpText('after', help)
    .action((old: string, now: string, options: DiffOptions) => diffRules(old, now, options, environment))
}

/** Prints what access changes. Exit codes: 0; 1 access changes, under `exitCode`; 2 one of them could not be read. */
const diffRules = async (
  before: string,
  after: string,
  { rules: folder, addresses, json = false, exitCode = false }: DiffOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> => {
  const read = await Promise.all([readNamed(before, folder), readNamed(after, folder)]).catch((error) => {
    process.stderr.write(`${tellFault('pagepass', error)}\n`)
    process.exitCode = 2
  })
  if (read === undefined) return
  const [old, now] = read
  const diff = diffRuleSets(old.parsed, now.parsed, addresses === undefined ? {} : { addresses })
  process.stdout.write(
    json ? diffJson(old.name, now.name, diff) : diffText(old.name, now.name, diff, hasColours(environment)),
  )
  if (exitCode && diff.changes.length > 0) process.exitCode = 1
}

type Read = { readonly name: Named; readonly parsed: SoundRuleSet }

const readNamed = async (given: string, folder: string | undefined): Promise<Read> => {
  const revision = (await exists(given)) ? undefined : revisionOf(given)
  const path = revision === undefined ? await pathOf(given, folder) : given
  const parsed =
    revision === undefined
      ? await loadRules(path)
      : parseSound(await readRevision(revision), () => 'compare with a revision that is sound')
  const { environment, hash } = parsed.rules
  return { name: { path, environment, hash }, parsed }
}

/** What is there is a path; a bare word that is not may be an environment. */
const pathOf = async (given: string, folder: string | undefined): Promise<string> => {
  if ((await exists(given)) || !/^[a-z][a-z0-9_-]*$/.test(given)) return given
  const tried = folder === undefined ? ['rules', '.'] : [folder]
  for (const one of tried)
    for (const ending of ['yaml', 'yml']) {
      const path = join(one, 'env', `${given}.${ending}`)
      if (await exists(path)) return path
    }
  throw new Fault('rules/unreadable', `there is neither a file nor an environment "${given}"`, {
    mend: `name a file, or say with --rules which folder holds env/${given}.yaml`,
  })
}
