import { Command } from 'commander'
import { type BenchOptions, benchProxy } from './proxy.ts'
import { benchRules } from './rules.ts'

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<void> | void>> = {
  proxy: benchProxy,
  rules: benchRules,
}
const names = Object.keys(benches).join(', ')

await new Command('npm run bench --')
  .argument('<name>', names)
  .option('--json', 'one JSON object instead of a table', false)
  .option('--rounds <count>', 'interleaved rounds', Number, 7)
  .option('--requests <count>', 'requests per contender and round', Number, 20_000)
  .option('--grants <count>', 'live grants in the proxy’s view (proxy only)', Number, 1_000)
  .action(async (name: string, options: BenchOptions) => {
    const bench = benches[name]
    if (bench === undefined) throw new Error(`there is no bench "${name}"; there are: ${names}`)
    await bench(options)
  })
  .parseAsync()
