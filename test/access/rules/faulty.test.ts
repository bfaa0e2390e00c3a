import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'

const folder = fileURLToPath(new URL('faulty/', import.meta.url))
const entries = readdirSync(folder, { withFileTypes: true })
const stems = (end: string): string[] =>
  entries.filter(({ name }) => name.endsWith(end)).map(({ name }) => name.slice(0, -end.length))
const mistakes = [
  ...stems('.yaml'),
  ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
]

const parts: Readonly<Record<string, RuleFile['part']>> = { services: 'team', env: 'environment' }

/** A file of its own, or the files of a folder, named as somebody sees them who stands there. */
const filesOf = (mistake: string): RuleFile[] => {
  if (!entries.some((entry) => entry.isDirectory() && entry.name === mistake)) {
    const name = `${mistake}.yaml`
    return [{ name, part: 'whole', bytes: readFileSync(join(folder, name)) }]
  }
  const names = readdirSync(join(folder, mistake), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => ({
      name,
      part: parts[name.split('/')[0] ?? ''] ?? 'common',
      bytes: readFileSync(join(folder, mistake, name)),
    }))
}

describe('Somebody who made a mistake is told where it is and how to mend it', () => {
  test('there are as many mistakes as expectations, and at least sixty-four', () => {
    expect(stems('.txt').sort()).toEqual([...mistakes].sort())
    expect(mistakes.length).toBeGreaterThanOrEqual(64)
  })

  test.each(mistakes)('%s', (mistake) => {
    const parsed = parseRuleSet(filesOf(mistake))
    const faults = parsed.ok ? ['sound'] : parsed.faults
    const lines = faults.map((fault) =>
      typeof fault === 'string' ? fault : `${fault.file}:${fault.line}:${fault.column} ${fault.what}`,
    )
    expect(`${lines.join('\n')}\n`).toBe(readFileSync(join(folder, `${mistake}.txt`), 'utf8'))
  })
})
