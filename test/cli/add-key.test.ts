import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { pagepassHere } from './run-cli.ts'
import { useFolder } from './use-folder.ts'

const folder = useFolder()
beforeAll(() => createKeys(folder.at('keys'), 'sandbox'))

const add = (to: string, kid = 'bot-issue-2') =>
  pagepassHere(['keys', 'add', '--folder', folder.at(to), '--role', 'issue', '--kid', kid])

test('A key that was added takes the place of the old one, while both are trusted', async () => {
  const { code, out, err } = await add('new')
  expect([code, err]).toEqual([0, ''])
  expect(JSON.parse(out)).not.toHaveProperty('d')
  // As the runbook says: first everybody trusts it, then the bot signs with it.
  const bot = folder.at('keys/bot')
  const trusted = JSON.parse(await readFile(join(bot, 'trusted.json'), 'utf8')) as { keys: unknown[] }
  trusted.keys.push(JSON.parse(out))
  await mkdir(folder.at('mended'))
  for (const file of ['end', 'head'])
    await writeFile(
      join(folder.at('mended'), `${file}.private.json`),
      await readFile(join(bot, `${file}.private.json`)),
    )
  await writeFile(join(folder.at('mended'), 'trusted.json'), JSON.stringify(trusted))
  await writeFile(
    join(folder.at('mended'), 'issue.private.json'),
    await readFile(join(folder.at('new'), 'issue.private.json')),
  )
  const keys = await loadKeys(folder.at('mended'), 'bot', 'sandbox')
  expect(keys.own.get('issue')?.kid).toBe('bot-issue-2')
  keys.revoked.add('bot-issue-1')
  const lift = createStatements(keys).sign('end', {
    id: 'aaaa-bbbb-cccc',
    version: 2,
    environment: 'sandbox',
    state: 'ended',
    cause: 'revoked',
    at: 0,
  })
  await expect(lift).resolves.toContain('.')
})

test('A key is never overwritten', async () => {
  await add('once')
  const { code, err } = await add('once', 'bot-issue-3')
  expect([code, err]).toEqual([1, expect.stringContaining('a key is never overwritten')])
})
