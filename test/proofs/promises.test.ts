import { expect, test } from 'vitest'
import { type Measured, withRow } from './promises.ts'

const measured = (name: string, more: Partial<Measured> = {}): Measured => ({
  name,
  trials: 10,
  violations: 0,
  missed: [],
  ...more,
})
const rowsOf = (text: string): string[] => text.split('\n').filter((line) => /^\| (?!proof)[a-z]/.test(line))
const write = (text: string, one: Measured): string => withRow(text, one, '2026-11-22', '2 cores, 4 GiB')

test('each proof has one row, whichever was measured last', () => {
  const first = write(write('', measured('rules')), measured('expiry', { cut_p99_ms: 7 }))
  const again = write(first, measured('rules', { trials: 20 }))
  expect(rowsOf(again)).toEqual([
    expect.stringMatching(/^\| expiry \|.*\| 10 \| 0 \| cut p99 7 ms \| 2026-11-22 \| 2 cores, 4 GiB \|$/),
    expect.stringMatching(/^\| rules \|.*\| 20 \| 0 \| – \|/),
  ])
})

test('what was broken or not reached stands there', () => {
  const [row] = rowsOf(write('', measured('expiry', { violations: 3, missed: ['cut_p99_ms <= 50'] })))
  expect(row).toContain('| 10 | 3 | **not reached: cut_p99_ms <= 50** |')
})
