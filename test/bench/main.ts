import { Command } from 'commander'
import { benchProxy } from './proxy.ts'

await new Command('npm run bench --')
  .argument('<name>', 'proxy')
  .option('--json', 'one JSON object instead of a table', false)
  .option('--rounds <count>', 'interleaved rounds', Number, 7)
  .option('--requests <count>', 'requests per contender and round', Number, 20_000)
  .option('--grants <count>', 'live grants in the proxy’s view', Number, 1_000)
  .action(
    async (name: string, options: { json: boolean; rounds: number; requests: number; grants: number }) => {
      if (name !== 'proxy') throw new Error(`there is no bench "${name}"; there is: proxy`)
      await benchProxy(options)
    },
  )
  .parseAsync()
