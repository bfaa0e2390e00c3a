import { Command } from 'commander'
import { proveAborts } from './aborts.ts'
import { proveApprovals } from './approvals.ts'
import { proveClocks } from './clocks.ts'
import { proveColdstart } from './coldstart.ts'
import { proveCrash } from './crash.ts'
import { proveDegraded } from './degraded.ts'
import { proveExpiry } from './expiry.ts'
import { proveJobs } from './jobs.ts'
import { proveJourney } from './journey.ts'
import { proveLocks } from './locks.ts'
import { proveMediation } from './mediation.ts'
import { proveNarrowing } from './narrowing.ts'
import { proveOutcomes } from './outcomes.ts'
import { writePromise } from './promises.ts'
import type { Proof } from './proof.ts'
import { proveRevocation } from './revocation.ts'
import { proveRules } from './rules.ts'
import { proveScale } from './scale.ts'
import { proveStaleness } from './staleness.ts'
import { proveStreams } from './streams.ts'
import { proveFraming, proveHeaders, provePaths } from './wire.ts'

const proofs: Readonly<
  Record<string, { readonly run: Proof; readonly trials: number; readonly full: number }>
> = {
  aborts: { run: proveAborts, trials: 400, full: 10_000 },
  approvals: { run: proveApprovals, trials: 2_000, full: 100_000 },
  clocks: { run: proveClocks, trials: 8, full: 200 },
  coldstart: { run: proveColdstart, trials: 12, full: 500 },
  crash: { run: proveCrash, trials: 200, full: 1_000 },
  degraded: { run: proveDegraded, trials: 3, full: 64 },
  expiry: { run: proveExpiry, trials: 20, full: 500 },
  framing: { run: proveFraming, trials: 3_000, full: 100_000 },
  headers: { run: proveHeaders, trials: 5_000, full: 5_000 },
  jobs: { run: proveJobs, trials: 60, full: 10_000 },
  journey: { run: proveJourney, trials: 100, full: 100 },
  locks: { run: proveLocks, trials: 4, full: 200 },
  mediation: { run: proveMediation, trials: 20_000, full: 1_000_000 },
  narrowing: { run: proveNarrowing, trials: 5_000, full: 100_000 },
  outcomes: { run: proveOutcomes, trials: 1_000, full: 10_000 },
  paths: { run: provePaths, trials: 5_000, full: 30_000 },
  revocation: { run: proveRevocation, trials: 10, full: 200 },
  rules: { run: proveRules, trials: 1_000_000, full: 1_000_000 },
  scale: { run: proveScale, trials: 20_000, full: 1_000_000 },
  staleness: { run: proveStaleness, trials: 2, full: 30 },
  streams: { run: proveStreams, trials: 4, full: 100 },
}

type Options = {
  readonly json: boolean
  readonly trials?: number
  readonly full: boolean
  readonly strict: boolean
  readonly promises: boolean
}

/** Exit codes: 0 kept, 1 a violation, 2 a figure missed with `--strict`. */
const prove = async (name: string | undefined, options: Options): Promise<void> => {
  const chosen = name === undefined ? Object.keys(proofs) : [name]
  for (const one of chosen) {
    const proof = proofs[one]
    if (proof === undefined) {
      process.stderr.write(`there is no proof "${one}"; there are: ${Object.keys(proofs).join(', ')}\n`)
      process.exitCode = 1
      return
    }
    const trials = options.trials ?? (options.full ? proof.full : proof.trials)
    const result = await proof.run(trials, (line) => void process.stderr.write(`${line}\n`))
    const { violations, missed, ...figures } = result
    const printed = { name: one, trials, violations: violations.length, missed, ...figures }
    if (options.promises) await writePromise(printed)
    if (options.json) process.stdout.write(`${JSON.stringify(printed)}\n`)
    else
      process.stdout.write(
        `${Object.entries(printed)
          .map(([key, value]) => `${key.padEnd(38)}${JSON.stringify(value)}`)
          .join('\n')}\n`,
      )
    for (const violation of violations.slice(0, 50)) process.stderr.write(`violation: ${violation}\n`)
    if (violations.length > 0) process.exitCode = 1
    else if (missed.length > 0 && options.strict && process.exitCode === undefined) process.exitCode = 2
  }
}

await new Command('npm run prove --')
  .description('Measures what Pagepass promises. Zero violations in N trials only means: rarer than 3 in N.')
  .argument('[name]', `one of: ${Object.keys(proofs).join(', ')}; all when left out`)
  .option('--json', 'one JSON object a line', false)
  .option('--trials <count>', 'this many trials', Number)
  .option('--full', 'the full number of trials', false)
  .option('--strict', 'exit 2 when a figure is missed', false)
  .option('--promises', 'write what was measured into PROMISES.md', false)
  .action(prove)
  .parseAsync()
