import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../..', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8')
const files = readdirSync(new URL('test', root), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/${file}`)
const cells = read('test/degraded/README.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(1)
  .map((line) => line.split(' | ').slice(3).join(' | '))

test('Each test that the table of faults names is in the file that it names', () => {
  const missing: string[] = []
  let named = 0
  for (const cell of cells)
    for (const [, file = '', rest = ''] of cell.matchAll(
      /`([\w./-]+\.test\.ts)`((?:[^`]|`(?![\w./-]+\.test))*)/g,
    )) {
      const found = files.filter((one) => `/${one}`.endsWith(`/${file}`))
      const text = found.map(read).join('\n')
      if (found.length === 0) missing.push(file)
      for (const [, title = ''] of rest.matchAll(/(?<![*\w])\*([^*|]+)\*/g)) {
        named += 1
        if (!text.includes(title)) missing.push(`${file}: ${title}`)
      }
    }
  expect(missing).toEqual([])
  expect(named).toBeGreaterThan(30)
})

test('Each proof that it names is there', () => {
  const proofs = read('test/proofs/main.ts')
  const named = cells.flatMap((cell) => [...cell.matchAll(/`([a-z]+)`/g)].map(([, name = '']) => name))
  expect(named.filter((name) => !proofs.includes(`  ${name}: { run: `))).toEqual([])
})
