import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { loadDirectory } from '#access/runtime/directory.ts'
import { aFolder } from '../builders.ts'
import { pagepass } from './run-cli.ts'

const ana = '{ issuer: "https://idp.example.com", subject: ana, name: Ana Lima, groups: [sre], active: true }'

let folder: string
let remove: () => Promise<void>
let keys: string
beforeAll(async () => {
  ;({ folder, remove } = await aFolder())
  keys = join(folder, 'keys')
  await createKeys(keys, 'sandbox')
})
afterAll(() => remove())

const sign = async (text: string) => {
  const [file, out] = [join(folder, 'people.yaml'), join(folder, 'directory.jws')]
  await writeFile(file, text)
  const folderOfKeys = join(keys, 'offline')
  const words = ['directory', 'sign', file, '--keys', folderOfKeys, '--environment', 'sandbox', '--out', out]
  return { ...(await pagepass(words)), file, out }
}

test('What can’t be read is a fault with its place, and nothing of the file is shown', async () => {
  const { code, err, file, out } = await sign(`- ${ana}\n- { name: "secret\n`)
  expect(code).toBe(1)
  expect(err).toMatch(`pagepass: ${file}:3:1 can't be read as YAML\n`)
  expect(err).toContain('→ write a list of people there')
  expect(err).not.toContain('secret')
  await expect(stat(out)).rejects.toThrow('ENOENT')
})

test('So is what the library stumbles over', async () => {
  const { code, err, file } = await sign('- *nobody\n')
  expect(code).toBe(1)
  expect(err).toContain(file)
  expect(err).toContain("can't be read as YAML")
})

test('A directory is signed, without warnings of the library', async () => {
  const { code, err, out } = await sign(`- !person ${ana}\n`)
  expect([code, err]).toEqual([0, ''])
  const statements = createStatements(await loadKeys(join(keys, 'bot'), 'bot', 'sandbox'))
  await expect(loadDirectory(out, statements)).resolves.toBeDefined()
  expect((await readFile(out, 'utf8')).split('.')).toHaveLength(3)
})
