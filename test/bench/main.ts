import { Command, InvalidArgumentError } from 'commander'
import { Interrupted } from './ends.ts'
import { benchProxy } from './proxy.ts'
import { contenderNames } from './proxy-scene.ts'
import { benchRules } from './rules.ts'
import { benchStreams } from './streams.ts'

const count = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It takes a whole number from 1 on.')
  return value
}

const named = (text: string): string[] => {
  const names = text.split(',')
  const unknown = names.filter((name) => !contenderNames.includes(name))
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no ${unknown.join(', ')}.`)
  return names
}

const command = new Command('npm run bench --')
command
  .command('proxy')
  .description('CPU per request of Pagepass beside other proxies')
  .option('--json', 'one JSON object instead of a table', false)
  .option('--rounds <count>', 'interleaved rounds', count, 7)
  .option('--requests <count>', 'requests per contender and round', count, 8_000)
  .option('--grants <count>', 'live grants in Pagepass’s view', count, 100_000)
  .option('--contenders <names>', `only these, with commas: ${contenderNames.join(', ')}`, named)
  .option('--profile <file>', 'also write a CPU profile of Pagepass')
  .action(benchProxy)
command
  .command('rules')
  .description('how long one decision takes, with ten and with 1,000 services')
  .option('--json', 'one JSON object instead of a table', false)
  .option('--rounds <count>', 'interleaved rounds', count, 7)
  .option('--requests <count>', 'different requests per rule set and round', count, 20_000)
  .action(benchRules)
command
  .command('streams')
  .description('idle WebSockets under one grant: memory each, and how long a cut takes')
  .option('--json', 'one JSON object instead of a table', false)
  .option('--rounds <count>', 'cuts of idle sockets, and as many of sockets that send', count, 5)
  .option('--sockets <count>', 'open at the same time', count, 4_000)
  .action(benchStreams)

try {
  await command.parseAsync()
} catch (error) {
  if (!(error instanceof Interrupted)) throw error
  process.stderr.write(`${error.message}: ended what was started\n`)
  process.exitCode = 130
}
process.exit()
