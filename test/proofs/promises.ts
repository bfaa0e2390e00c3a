import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'

/** What a proof measured, as it is printed. */
export type Measured = {
  readonly name: string
  readonly trials: number
  readonly violations: number
  readonly missed: readonly string[]
  readonly [figure: string]: unknown
}

const file = new URL('../../PROMISES.md', import.meta.url)

const promises: Readonly<Record<string, string>> = {
  aborts: 'clients that leave, at every stage, leave nothing behind',
  approvals: 'nobody approves for themself, under whatever alias, and an unlinked account never',
  clocks: 'steps and drift of clocks lengthen no pass and admit no expired token',
  coldstart: 'nothing is forwarded before the first full sync',
  crash: 'kill -9 of any process at any moment loses no pass, no record, no message',
  degraded:
    'whatever is down, what is let in is no more than with all of it up, for no longer than `when_stale`',
  expiry: 'no worker and no Redis is needed to end a pass: cut p99 ≤ 50 ms, max ≤ 250 ms',
  framing: 'requests that a service reads = requests that were admitted',
  headers: 'a service sees each identity header once, with our value',
  jobs: 'a job that is lost, late, doubled or reordered ends in the same state',
  journey: 'from a page to access p99 ≤ 500 ms; from a revocation to the last byte p99 ≤ 50 ms',
  locks:
    'whoever is locked out is refused everywhere and cut: last byte at the service p99 ≤ 50 ms, max ≤ 250 ms',
  mediation: 'what is let in is what an oracle over the whole history lets in',
  narrowing: 'given ⊆ asked ⊆ allowed; an extension never passes the cap and never revives',
  outcomes: 'racing clicks, webhooks and replays have one outcome',
  paths: 'the path decided on is the path served',
  revocation: 'from the acknowledged revocation to the last byte at the service: p99 ≤ 50 ms, max ≤ 250 ms',
  rules: 'decisions are those of a naive reading of the rule set’s text',
  scale:
    '100,000 live passes, 3 proxies: ready ≤ 3 s; 500 changes a second reach all: p99 ≤ 50 ms; memory stays flat',
  streams:
    'revocation and expiry end answers, uploads, events and WebSockets, both ways: p99 ≤ 50 ms, max ≤ 250 ms',
  staleness: 'cut off from Redis: closed ≤ `when_stale` + 500 ms, nothing new, standing rules go on',
}

const head = `# What was measured

Each row is written by \`npm run prove -- <name> --promises\`, with what it measured and nothing else. No violations in N trials
only means: rarer than 3 in N. A figure that was not reached is named.

| proof | promise | trials | violations | figures | date | machine |
|---|---|---|---|---|---|---|
`

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** Milliseconds in the order in which they were measured, and what was not reached. */
const figuresOf = ({ missed, name: _, trials: __, violations: ___, ...figures }: Measured): string => {
  const timed = Object.entries(figures)
    .filter(([key, value]) => key.endsWith('_ms') && typeof value === 'number')
    .map(([key, value]) => `${key.replace(/_ms$/, '').replaceAll('_', ' ')} ${value} ms`)
  return [...timed, ...missed.map((one) => `**not reached: ${one}**`)].join(', ') || '–'
}

const rowOf = (measured: Measured, date: string, machine: string): string => {
  const { name, trials, violations } = measured
  const cells = [
    name,
    promises[name] ?? '',
    String(trials),
    String(violations),
    figuresOf(measured),
    date,
    machine,
  ]
  return `| ${cells.map(cell).join(' | ')} |`
}

/** The text with the row of this proof replaced, or put where it belongs. */
export const withRow = (text: string, measured: Measured, date: string, machine: string): string => {
  const rows = text.split('\n').filter((line) => /^\| [a-z]+ \| /.test(line) && !line.startsWith('| proof |'))
  const others = rows.filter((line) => !line.startsWith(`| ${measured.name} |`))
  return `${head}${[...others, rowOf(measured, date, machine)].sort().join('\n')}\n`
}

export const writePromise = async (measured: Measured): Promise<void> => {
  const before = await readFile(file, 'utf8').catch(() => '')
  const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
  await writeFile(file, withRow(before, measured, new Date().toISOString().slice(0, 10), machine))
}
