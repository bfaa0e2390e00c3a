import { styleText } from 'node:util'
import { describeExit } from './processes.ts'
import type { Turn } from './supervise.ts'

export interface TellOptions {
  colour: boolean
  /** Where a person can read on. */
  logFile: string
  /** How many failures in a row are told in full: the first hopeless one. */
  hopelessAfter: number
}

/** A turn in words for the person at the terminal. */
export function tellTurn(turn: Turn, { colour, logFile, hopelessAfter }: TellOptions): string {
  const paint = (format: 'yellow' | 'green' | 'red', text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text
  if (turn.kind === 'back') return paint('green', `${turn.name} is back after ${seconds(turn.afterMs, 1)} s`)
  if (turn.kind === 'died') {
    return paint(
      'yellow',
      `${turn.name} ${describeExit(turn.exit)}; it is started again in ${seconds(turn.againMs)} s`,
    )
  }
  if (!turn.hopeless) {
    return paint('yellow', `${inOneLine(turn.why)}; it is tried again in ${seconds(turn.againMs)} s`)
  }
  if (turn.times > hopelessAfter) {
    return paint(
      'red',
      `${turn.name} failed ${turn.times} times in a row; it is tried again in ${seconds(turn.againMs)} s`,
    )
  }
  return [
    paint('red', `${turn.name} failed ${turn.times} times in a row without getting ready.`),
    turn.why.replaceAll(/^/gm, '  '),
    paint('red', `Read ${logFile}. It is tried again every ${seconds(turn.againMs)} s.`),
  ].join('\n')
}

/** 500 as "0.5", 8000 as "8". */
function seconds(ms: number, digits?: number): string {
  return digits === undefined ? String(Math.round(ms / 100) / 10) : (ms / 1000).toFixed(digits)
}

/** Without the log that follows, and without its full stop. */
function inOneLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/ It logged last:$/, '').replace(/\.$/, '')
}
