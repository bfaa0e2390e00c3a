import { readFileSync } from 'node:fs'

/** The last lines of a log, from byte `from` on; '' where there is no log yet. */
export function logTail(file: string, { from = 0, lines = 15 } = {}): string {
  let log: Buffer
  try {
    log = readFileSync(file)
  } catch {
    return ''
  }
  return log.subarray(from).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n')
}
