import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('..', import.meta.url)
const folders = ['test/attack', 'test/access', 'test/bot', 'test/proxy', 'test/infra']
const files = folders.flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `${folder}/${file}`),
)
const titles = files.map((file) => readFileSync(new URL(file, root), 'utf8')).join('\n')
const table = readFileSync(new URL('SECURITY.md', root), 'utf8').split('## What each part could do')[1] ?? ''

test('Each test that SECURITY.md names is there', () => {
  const named = [...table.matchAll(/(?<![*\w])\*([^*|]+)\*(?!\*)/g)].map(([, title = '']) => title)
  expect(named.length).toBeGreaterThan(15)
  const beginnings = named.map((title) =>
    title
      .replace(/\s*….*$/, '')
      .replace(/^The keys of the .*$/, 'The keys of the %s')
      .replace(/^Redis answers NOPERM to proxy$/, 'Redis answers NOPERM'),
  )
  expect(beginnings.filter((title) => !titles.includes(title))).toEqual([])
})

test('Each file that it names is there', () => {
  const named = [...table.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, name = '']) => name)
  expect(named.filter((name) => !files.some((file) => file.endsWith(name)))).toEqual([])
  expect(existsSync(new URL('infra/runbooks/keys.md', root))).toBe(true)
})
