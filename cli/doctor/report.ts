import { counted, painter } from '../print.ts'
import type { Line, State } from './examine.ts'

const marks = {
  ok: { text: '✓ ok  ', style: 'green' },
  warn: { text: '! warn', style: 'yellow' },
  fail: { text: '✗ FAIL', style: 'red' },
} as const satisfies Record<State, { readonly text: string; readonly style: string }>

/** What a person reads: the verdict, a line for each finding with its mend below, and the verdict again. */
export const reportOf = (lines: readonly Line[], colours: boolean): string => {
  const styled = painter(colours)
  const paint = (state: State, text: string): string => styled(marks[state].style, text)
  const width = Math.max(...lines.map(({ check }) => check.length))
  const margin = ' '.repeat('  ✗ FAIL  '.length + width + 2)
  const rows = lines.flatMap(({ check, state, what, mend }) => {
    const [first, ...rest] = what.split('\n')
    return [
      `  ${paint(state, marks[state].text)}  ${check.padEnd(width)}  ${first}`,
      ...rest.map((line) => `${margin}${line}`),
      ...(mend === undefined ? [] : [`${margin}→ ${mend}`]),
    ]
  })
  const verdict = paint(worst(lines), verdictOf(lines))
  return `${[verdict, '', ...rows, '', verdict].join('\n')}\n`
}

const worst = (lines: readonly Line[]): State => {
  const states = new Set(lines.map(({ state }) => state))
  return states.has('fail') ? 'fail' : states.has('warn') ? 'warn' : 'ok'
}

/** `All is well: 11 checks.`, or `2 of 11 checks failed: redis, slack.`: what failed comes before what is to be looked at. */
const verdictOf = (lines: readonly Line[]): string => {
  const all = [...new Set(lines.map(({ check }) => check))]
  const by = (state: State): string[] =>
    all.filter((check) => worst(lines.filter((line) => line.check === check)) === state)
  const [failed, warned] = [by('fail'), by('warn')]
  const checks = counted(all.length, 'check')
  if (failed.length > 0) return `${failed.length} of ${checks} failed: ${failed.join(', ')}.`
  return warned.length > 0
    ? `Nothing failed: ${checks}. To look at: ${warned.join(', ')}.`
    : `All is well: ${checks}.`
}
