import { Command, CommanderError, Option } from 'commander'
import { algorithms, roles } from '#access/adapters/keys.ts'
import { tellFault } from '#access/runtime/run-process.ts'
import { addKeyFile } from './add-key.ts'
import { addBreakGlass } from './break-glass/commands.ts'
import { createGlassKeyFile } from './break-glass/create-key.ts'
import { createKeyFolder } from './create-keys.ts'
import { createSealKeyFile } from './create-seal-key.ts'
import type { DoctorOptions } from './doctor.ts'
import { lockOut } from './lock.ts'
import { revokeKey } from './revoke-key.ts'
import { addRules } from './rules/commands.ts'
import { runPart } from './run-part.ts'
import { signDirectoryFile } from './sign-directory.ts'

const parts = {
  bot: 'Slack, PagerDuty webhooks, and the one part that gives passes',
  proxy: 'decides on every request and forwards what a pass admits',
  workers: 'expiry, messages and summaries',
} as const

/** The command line of Pagepass. `environment` is the variables of the process. */
export const createProgram = (environment: NodeJS.ProcessEnv): Command => {
  const program = new Command('pagepass')
    .exitOverride()
    .description(
      'A page is a pass: scoped, time-boxed access for whoever is paged, enforced request by request.',
    )
    .showHelpAfterError()
    .configureHelp({ showGlobalOptions: true })

  for (const [part, what] of Object.entries(parts)) {
    program
      .command(part)
      .description(`run the ${part}: ${what}`)
      .action(() => runPart(part))
  }

  addRules(program.command('rules').description('work with the rule set'), environment)

  const keys = program.command('keys').description('work with the signing keys')
  keys
    .command('create')
    .description('make one folder of keys for each part')
    .requiredOption('--folder <folder>', 'an empty or new folder')
    .requiredOption('--environment <name>', 'as in the rule set')
    .addOption(
      new Option(
        '--assertion-alg <algorithm>',
        'how assertions are signed that services verify: ES256 is known to more libraries',
      )
        .choices(algorithms)
        .default('EdDSA'),
    )
    .action(createKeyFolder)
  keys
    .command('add')
    .description('make one more key, to take the place of another without a pause')
    .requiredOption('--folder <folder>', 'where the private key goes; it holds none of this role yet')
    .addOption(new Option('--role <role>', 'what it signs').choices(roles).makeOptionMandatory())
    .requiredOption('--kid <name>', 'a name that no other key has, such as bot-issue-2')
    .addOption(
      new Option('--assertion-alg <algorithm>', 'for role assertion').choices(algorithms).default('EdDSA'),
    )
    .addHelpText(
      'after',
      `
Prints the public part. Add it to "keys" in trusted.json of every part and replace the processes; only then
give the private key to its part. See infra/runbooks/keys.md.`,
    )
    .action(addKeyFile)
  keys
    .command('revoke')
    .description('end what a key signed, everywhere, for good')
    .argument('<kid>', 'the name of the key, as in trusted.json')
    .option('--because <reason>', 'why, for the logs of every process')
    .requiredOption('--keys <folder>', 'the folder with the private key of role "revoke"')
    .requiredOption('--environment <name>', 'as in the rule set')
    .option(
      '--bot <url...>',
      'where bots are reached, as Slack reaches them; the first that takes it is enough',
    )
    .option('--out <file>', 'also write it to a file: the way that needs neither a bot nor Redis')
    .option('--dry-run', 'only tell what it would end')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `
Proxies refuse what the key signed and cut what is open under it; bots and workers end it; nothing more by it is believed.
It can't be taken back: make another key with pagepass keys add.
Without Redis: put the file of --out as revoked.jws beside trusted.json of every part; it is read within a second.
Exit code: 0 done, and every proxy confirmed; 1 not done; 2 done, but not everybody confirmed or something is left.`,
    )
    .action(revokeKey)
  keys
    .command('create-seal-key')
    .description('make the key with which you seal rule sets that others wrote')
    .requiredOption('--name <name>', 'what you go by, such as alice or alice@example.com')
    .requiredOption('--out <file>', 'where the private key goes; the public one goes beside it (.pub)')
    .action(createSealKeyFile)

  keys
    .command('create-break-glass-key')
    .description('make the key with which you sign break-glass passes, for when everything is down')
    .requiredOption('--name <name>', 'what it goes by in the rules, such as alice or vault-1')
    .requiredOption('--out <file>', 'where the private key goes')
    .action(createGlassKeyFile)

  addBreakGlass(
    program.command('break-glass').description('open a service when everything is down'),
    environment,
  )

  const directory = program.command('directory').description('work with the directory: who is who')
  directory
    .command('sign')
    .description('sign a directory file, so that bots take it')
    .argument('<file>', 'YAML: a list of people')
    .requiredOption('--keys <folder>', 'the folder with the private key of role "directory"')
    .requiredOption('--environment <name>', 'as in the rule set')
    .requiredOption('--out <file>', 'where the signed directory goes')
    .action(signDirectoryFile)

  program
    .command('lock')
    .description('lock somebody out of everything, everywhere, at once')
    .argument('<subject>', 'who they are at the identity provider; a workload’s is its client id')
    .requiredOption('--because <reason>', 'why, for those who may let them in again')
    .requiredOption('--keys <folder>', 'the folder with the private key of role "lock"')
    .requiredOption('--environment <name>', 'as in the rule set')
    .requiredOption('--bot <url>', 'where a bot is reached, as Slack reaches it')
    .action(lockOut)

  program
    .command('doctor')
    .description('check everything a bot needs: its variables, files, Redis, Slack and PagerDuty')
    .option('--json', 'one JSON object a line: check, state (ok, warn or fail), what, mend')
    .option('--retry', 'put back what could not be delivered, to be tried again')
    .addHelpText(
      'after',
      `
Reads the environment variables of a bot, so run it where the bot runs, as the bot is run. It changes nothing
(but for --retry), prints no secret, and takes a few seconds.
Exit code: 0 all is well, or there are only warnings; 1 a check failed.`,
    )
    .action(async (options: DoctorOptions) => {
      // Slack's and BullMQ's libraries take a while to load; no other command needs them.
      const { doctor } = await import('./doctor.ts')
      await doctor(options, environment)
    })

  return program
}

/** Runs a command to its end, and sets the exit code. What goes wrong is told on standard error. */
export const runProgram = async (program: Command, argv: readonly string[]): Promise<void> => {
  try {
    await program.parseAsync(argv)
  } catch (error) {
    // Commander has said already what it has to say, be it help.
    if (!(error instanceof CommanderError)) process.stderr.write(`${tellFault('pagepass', error)}\n`)
    process.exitCode = error instanceof CommanderError ? error.exitCode : 1
  }
}
