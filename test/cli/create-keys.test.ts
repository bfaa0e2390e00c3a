import { readFile, stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { loadKeys } from '#access/adapters/keys.ts'
import { pagepassHere } from './run-cli.ts'
import { useFolder } from './use-folder.ts'

const folder = useFolder()
const create = (name: string, ...more: readonly string[]) =>
  pagepassHere(['keys', 'create', '--folder', folder.at(name), '--environment', 'sandbox', ...more])
const assertionKey = async (name: string) =>
  (await loadKeys(`${folder.at(name)}/proxy`, 'proxy', 'sandbox')).own.get('assertion')

test('The keys that are made sign assertions with EdDSA, or with ES256 where that was asked for', async () => {
  expect(await create('plain')).toEqual({ code: 0, out: '', err: '' })
  expect(await assertionKey('plain')).toMatchObject({ alg: 'EdDSA', kid: 'proxy-assertion-1' })
  expect(await create('es256', '--assertion-alg', 'ES256')).toEqual({ code: 0, out: '', err: '' })
  expect(await assertionKey('es256')).toMatchObject({ alg: 'ES256', kid: 'proxy-assertion-es256-1' })
})

test('Another algorithm is refused, and nothing is made', async () => {
  const { code, err } = await create('rs256', '--assertion-alg', 'RS256')
  expect(code).toBe(1)
  expect(err).toContain('Allowed choices are EdDSA, ES256.')
  await expect(stat(folder.at('rs256'))).rejects.toThrow('ENOENT')
})

test('A folder that holds something is left alone, and that is said', async () => {
  await create('twice')
  const file = `${folder.at('twice')}/proxy/assertion.private.json`
  const before = await readFile(file, 'utf8')
  const { code, err } = await create('twice', '--assertion-alg', 'ES256')
  expect([code, err]).toEqual([0, `${folder.at('twice')} is not empty: left as it is, no key was made\n`])
  expect(await readFile(file, 'utf8')).toBe(before)
})
