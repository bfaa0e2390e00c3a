import { type Command, Option } from 'commander'
import { type CheckOptions, checkRules } from './check.ts'
import { addDiff } from './diff.ts'
import { addExplain } from './explain.ts'
import { printRulesSchema, schemaParts } from './schema.ts'
import { sealRules } from './seal.ts'
import { addTest } from './test.ts'

/** The commands of `pagepass rules`. */
export const addRules = (rules: Command, environment: NodeJS.ProcessEnv): void => {
  rules
    .command('check')
    .description('check a rule set: names every fault with its line, or what in it is odd')
    .argument('[path]', 'a file, or a folder with all its environments', 'access.yaml')
    .option('--strict', 'let warnings fail, too (exit 2)')
    .option('--json', 'one JSON object a line: level, kind, file, line, column, what; then path, sound, hash')
    .addHelpText(
      'after',
      `
Prints "file:line:column what" for each fault; where there is none, for each warning and note; then the rules hash.
Exit code: 0 it is sound; 1 it has faults or can't be read; 2 it is sound but for warnings, under --strict (notes
never fail).`,
    )
    .action((path: string, options: CheckOptions) => checkRules(path, options, environment))
  rules
    .command('schema')
    .description(
      'print the JSON Schema by which editors complete and underline a rule set (access.schema.json)',
    )
    .addOption(
      new Option(
        '--part <part>',
        'all in one file; or of a folder what is common, a team’s or an environment’s file',
      )
        .choices(schemaParts)
        .default('whole'),
    )
    .action(printRulesSchema)
  addExplain(rules.command('explain'), environment)
  addTest(rules.command('test'), environment)
  addDiff(rules.command('diff'), environment)
  rules
    .command('seal')
    .description('sign a rule set that somebody else wrote, so that production takes it')
    .argument('[path]', 'the rule set', 'access.yaml')
    .requiredOption('--key <file>', 'your key: pagepass keys create-seal-key')
    .option('--author <name>', 'who wrote it; without it, who git says changed it last')
    .action(sealRules)
}
