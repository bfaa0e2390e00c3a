import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { Command } from 'commander'
import { nameOf } from './mirrors.ts'

/** Of a hundred mutants so many have to be noticed. */
const least = 90

type Mutants = Awaited<ReturnType<Stryker['runMutationTest']>>
type Counts = {
  readonly mutants: number
  readonly killed: number
  readonly survived: number
  readonly timeout: number
}

const countsOf = (mutants: Mutants): Counts => {
  const count = (...statuses: readonly string[]): number =>
    mutants.filter(({ status }) => statuses.includes(status)).length
  const [killed, survived, timeout] = [count('Killed'), count('Survived', 'NoCoverage'), count('Timeout')]
  // What could not be loaded at all says nothing of the tests.
  return { mutants: killed + survived + timeout, killed, survived, timeout }
}

/** Of a hundred mutants, those that were noticed: by a test that fails, or because nothing ends any more. */
const scoreOf = ({ mutants, survived }: Counts): number =>
  mutants === 0 ? 100 : Math.round(((mutants - survived) / mutants) * 10_000) / 100

/** Mutates files in a copy of the tree, and runs the tests that mirror each on its mutants. */
const mutate = async (files: readonly string[]): Promise<Mutants> => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-mutants-'))
  try {
    return await new Stryker({
      // Its tsconfigFile does not exist: TypeScript 7 has nothing that Stryker could read or rewrite one with.
      configFile: 'test/mutation/stryker.json',
      mutate: [...files],
      tempDirName: folder,
    }).runMutationTest()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`)

const inShort = (code = ''): string => code.replaceAll(/\s+/g, ' ').slice(0, 80)

const sayMutants = (file: string, mutants: Mutants): void => {
  const counts = countsOf(mutants)
  say(
    `${nameOf(file).padEnd(24)}${scoreOf(counts).toFixed(2).padStart(6)} %  of ${counts.mutants} mutants ${counts.survived} survived`,
  )
  for (const { status, location, mutatorName, replacement } of mutants)
    if (status === 'Survived' || status === 'NoCoverage')
      say(
        `  ${file}:${location.start.line}:${location.start.column} ${mutatorName} → ${inShort(replacement)}`,
      )
}

/** Exit codes: 0 enough mutants were noticed, 1 too few. */
const mutateAll = async (names: readonly string[], options: { readonly json: boolean }): Promise<void> => {
  const files = globSync(
    (names.length === 0 ? ['**/*'] : names).map((name) => `access/domain/${name}.ts`),
  ).sort()
  if (files.length === 0) throw new Error(`there is no such file: ${names.join(', ')}`)
  const all = await mutate(files)
  for (const file of files)
    sayMutants(
      file,
      all.filter(({ fileName }) => resolve(fileName) === resolve(file)),
    )
  const counts = countsOf(all)
  const score = scoreOf(counts)
  if (options.json) process.stdout.write(`${JSON.stringify({ name: 'mutation', ...counts, score })}\n`)
  else
    say(
      `${'all'.padEnd(24)}${score.toFixed(2).padStart(6)} %  of ${counts.mutants} mutants ${counts.survived} survived`,
    )
  if (score < least) process.exitCode = 1
}

await new Command('npm run mutate --')
  .description(
    'Changes the domain in every small way there is, and counts the changes that no test notices (Stryker).',
  )
  .argument('[names...]', 'files of access/domain without their ending; all when left out')
  .option('--json', 'one JSON object', false)
  .action(mutateAll)
  .parseAsync()
