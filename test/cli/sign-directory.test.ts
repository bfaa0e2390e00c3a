import { lstat, mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { loadDirectory } from '#access/runtime/directory.ts'
import { pagepassHere } from './run-cli.ts'
import { useFolder } from './use-folder.ts'

const ana = '{ issuer: "https://idp.example.com", subject: ana, name: Ana Lima, groups: [sre], active: true }'

const folder = useFolder()
let keys: string
beforeAll(async () => {
  keys = folder.at('keys')
  await createKeys(keys, 'sandbox')
})

const sign = async (text: string, out = folder.at('directory.jws')) => {
  const file = await folder.put('people.yaml', text)
  const folderOfKeys = join(keys, 'offline')
  const words = ['directory', 'sign', file, '--keys', folderOfKeys, '--environment', 'sandbox', '--out', out]
  return { ...(await pagepassHere(words)), file, signed: out }
}

test('What can’t be read is a fault with its place, and nothing of the file is shown', async () => {
  const { code, err, file, signed } = await sign(`- ${ana}\n- { name: "secret\n`)
  expect(code).toBe(1)
  expect(err).toMatch(`pagepass: ${file}:3:1 can't be read as YAML\n`)
  expect(err).toContain('→ write a list of people there')
  expect(err).not.toContain('secret')
  await expect(stat(signed)).rejects.toThrow('ENOENT')
})

test('So is what the library stumbles over', async () => {
  const { code, err, file } = await sign('- *nobody\n')
  expect(code).toBe(1)
  expect(err).toContain(file)
  expect(err).toContain("can't be read as YAML")
})

test('A directory is signed, without warnings of the library', async () => {
  const { code, err, signed } = await sign(`- !person ${ana}\n`)
  expect([code, err]).toEqual([0, ''])
  const statements = createStatements(await loadKeys(join(keys, 'bot'), 'bot', 'sandbox'))
  await expect(loadDirectory(signed, statements)).resolves.toBeDefined()
  expect((await readFile(signed, 'utf8')).split('.')).toHaveLength(3)
})

test('It is put in the place of a link, and what that leads to is left alone', async () => {
  const victim = await folder.put('victim', 'precious')
  const link = folder.at('link.jws')
  await symlink(victim, link)
  expect((await sign(`- ${ana}\n`, link)).code).toBe(0)
  expect(await readFile(victim, 'utf8')).toBe('precious')
  expect((await lstat(link)).isFile()).toBe(true)
})

test('Where it can’t be written, that is said', async () => {
  const out = folder.at('taken')
  await mkdir(out)
  const { code, err } = await sign(`- ${ana}\n`, out)
  expect(code).toBe(1)
  expect(err).toContain(`pagepass: ${out} can't be written (EISDIR)\n  → name a file`)
})
