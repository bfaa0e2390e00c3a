import type { Command } from 'commander'
import { showGlass } from './show.ts'
import { type SignOptions, signGlass } from './sign.ts'

const rulesOption = ['--rules <path>', 'the rule set, to check the pass and the key against'] as const

/** The commands of `pagepass break-glass`. */
export const addBreakGlass = (glass: Command, environment: NodeJS.ProcessEnv): void => {
  glass
    .command('sign')
    .description('sign a pass that proxies take without Redis, Slack or anything else; or co-sign one')
    .argument('[pass]', 'the file with a pass that somebody signed already; - for standard input')
    .requiredOption('--service <names>', 'what it opens, with commas')
    .requiredOption('--tier <name>', 'as in the rules')
    .requiredOption(
      '--who <issuer+subject>',
      'whom it is for, as their token says: https://idp.example.com+00u1',
    )
    .option('--for <duration>', 'how long from now, at most 30m; needed for a new pass')
    .option('--because <reason>', 'why; needed for a new pass')
    .option('--environment <name>', 'as in the rules; needed for a new pass without --rules')
    .option(...rulesOption)
    .option(
      '--key <file>',
      'your key: one of pagepass keys create-break-glass-key, or an Ed25519 key of OpenSSH',
    )
    .option('--agent-key <which>', 'which key of the SSH agent: its fingerprint (SHA256:…) or its comment')
    .addHelpText(
      'after',
      `
Prints the pass, one line of text; what it says is printed on standard error. Without --key the SSH agent signs
(SSH_AUTH_SOCK), also with a security key. To co-sign, say again what you mean to sign: a pass that says
otherwise is refused. As many of the named keys have to sign as the rules' break_glass.need says. Then present it
with the usual token:

  curl -H "Authorization: Bearer …" -H "X-Pagepass-Break-Glass: $(cat FILE)" https://orders-svc.…/`,
    )
    .action((file: string | undefined, options: SignOptions) => signGlass(file, options, environment))
  glass
    .command('show')
    .description('say what a break-glass pass says, and which keys signed it')
    .argument('<pass>', 'the file with it; - for standard input')
    .option(...rulesOption)
    .action(showGlass)
}
