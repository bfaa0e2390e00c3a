import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { Command } from 'commander'

/** What decides, and what deciding stands on. */
const mutated = [
  'decide-*',
  'page-rule',
  'path-pattern',
  'route-index',
  'rule-set',
  'standing-grant',
  'time-window',
]
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
  mutants === 0 ? 0 : Math.round(((mutants - survived) / mutants) * 10_000) / 100

/** Mutates one file in a copy of the tree, and runs the tests that mirror it on each mutant. */
const mutate = async (file: string, folder: string): Promise<Mutants> => {
  process.env['MUTATED'] = file.replace(/\.ts$/, '')
  return await new Stryker({
    // Its tsconfigFile does not exist: TypeScript 7 has nothing that Stryker could read or rewrite one with.
    configFile: 'test/mutation/stryker.json',
    mutate: [file],
    tempDirName: folder,
  }).runMutationTest()
}

const say = (line: string): void => void process.stderr.write(`${line}\n`)

const inShort = (code = ''): string => code.replaceAll(/\s+/g, ' ').slice(0, 80)

const sayMutants = (file: string, mutants: Mutants): void => {
  const counts = countsOf(mutants)
  say(
    `${basename(file).padEnd(24)}${scoreOf(counts).toFixed(2).padStart(6)} %  of ${counts.mutants} mutants ${counts.survived} survived`,
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
    (names.length === 0 ? mutated : names).map((name) => `access/domain/${name}.ts`),
  ).sort()
  if (files.length === 0) throw new Error(`there is no such file: ${names.join(', ')}`)
  const all: Mutants[number][] = []
  for (const file of files) {
    const folder = await mkdtemp(join(tmpdir(), 'pagepass-mutants-'))
    try {
      const mutants = await mutate(file, folder)
      sayMutants(file, mutants)
      all.push(...mutants)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
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
    `Changes what decides in every small way there is, and counts the changes that no test notices (Stryker).`,
  )
  .argument('[names...]', 'files of access/domain without their ending; what decides when left out')
  .option('--json', 'one JSON object', false)
  .action(mutateAll)
  .parseAsync()
