import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createKeys, type Holder, holders, loadKeys, roles } from '#access/adapters/keys.ts'
import { isFault } from '#access/domain/errors.ts'
import { aFolder } from '../../builders.ts'

let folder: string
let remove: () => Promise<void>
beforeEach(async () => {
  ;({ folder, remove } = await aFolder())
  await createKeys(folder, 'sandbox')
})
afterEach(() => remove())

const at = (holder: Holder, file = '') => join(folder, holder, file)
const load = (holder: Holder, environment = 'sandbox') => loadKeys(at(holder), holder, environment)
const codeOf = (loading: Promise<unknown>): Promise<string> =>
  loading.then(
    () => 'loaded',
    (error) => (isFault(error) ? error.code : String(error)),
  )
const change = async (file: string, changes: object): Promise<void> =>
  writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...changes }))

const everyHolder = Object.keys(holders) as Holder[]
const forbidden = everyHolder.flatMap((holder) =>
  roles
    .filter((role) => !(holders[holder] as readonly string[]).includes(role))
    .map((role) => [holder, role] as const),
)

describe('Keys', () => {
  test.each(everyHolder)('of the %s are those of its roles, and everybody’s public ones', async (holder) => {
    const { own, trusted } = await load(holder)
    expect([...own.keys()].sort()).toEqual([...holders[holder]].sort())
    expect([...trusted.keys()]).toHaveLength(Object.values(holders).flat().length)
    for (const { key, jwk } of trusted.values()) {
      expect(key.type).toBe('public')
      expect(jwk).not.toHaveProperty('d')
    }
  })

  test('are readable by their owner alone', async () => {
    for (const holder of everyHolder) {
      expect((await stat(at(holder))).mode & 0o077).toBe(0)
      for (const file of (await readdir(at(holder))).filter((name) => name.includes('private')))
        expect((await stat(at(holder, file))).mode & 0o077).toBe(0)
    }
  })

  test('are not made anew where there are some', async () => {
    const before = await readFile(at('bot', 'issue.private.json'), 'utf8')
    await createKeys(folder, 'sandbox')
    expect(await readFile(at('bot', 'issue.private.json'), 'utf8')).toBe(before)
  })

  test.each(forbidden)('of a %s may not include the private key of role %s', async (holder, role) => {
    const from = everyHolder.find((other) => (holders[other] as readonly string[]).includes(role)) ?? 'bot'
    await copyFile(at(from, `${role}.private.json`), at(holder, `${role}.private.json`))
    const error = await load(holder).catch((thrown) => thrown)
    expect(isFault(error, 'keys/forbidden')).toBe(true)
    expect(error.message).toContain(`role "${role}"`)
  })

  test('are refused when an issuing key hides under a permitted name', async () => {
    await copyFile(at('bot', 'issue.private.json'), at('proxy', 'assertion.private.json'))
    expect(await codeOf(load('proxy'))).toBe('keys/forbidden')
  })

  test('are refused when an issuing key hides under a permitted name and role', async () => {
    await copyFile(at('bot', 'issue.private.json'), at('proxy', 'assertion.private.json'))
    await change(at('proxy', 'assertion.private.json'), { role: 'assertion', kid: 'proxy-assertion-1' })
    expect(await codeOf(load('proxy'))).toBe('keys/forbidden')
  })

  test('are refused when one is missing', async () => {
    await rm(at('workers', 'end.private.json'))
    const error = await load('workers').catch((thrown) => thrown)
    expect(isFault(error, 'keys/missing')).toBe(true)
    expect(error.message).toContain('end')
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['the folder is missing', () => rm(at('bot'), { recursive: true }), 'keys/missing'],
    ['the public keys are missing', () => rm(at('bot', 'trusted.json')), 'keys/missing'],
    [
      'a key file holds no JSON',
      () => writeFile(at('bot', 'issue.private.json'), 'd":"secret'),
      'keys/missing',
    ],
    [
      'a key file holds another kind of key',
      () => change(at('bot', 'issue.private.json'), { kty: 'RSA' }),
      'keys/missing',
    ],
    [
      'a private key has no private part',
      () => change(at('bot', 'issue.private.json'), { d: undefined }),
      'keys/missing',
    ],
    [
      'they are of another environment',
      () => change(at('bot', 'trusted.json'), { environment: 'production' }),
      'keys/forbidden',
    ],
  ])('are refused when %s', async (_, breakIt, code) => {
    await breakIt()
    expect(await codeOf(load('bot'))).toBe(code)
  })

  test('never show up in the fault about a broken file', async () => {
    await writeFile(at('bot', 'issue.private.json'), '"d":"c2VjcmV0"')
    const error = (await load('bot').catch((thrown) => thrown)) as Error
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('c2VjcmV0')
  })

  test('are refused when two public ones have one name', async () => {
    const trusted = JSON.parse(await readFile(at('bot', 'trusted.json'), 'utf8'))
    await change(at('bot', 'trusted.json'), { keys: [...trusted.keys, trusted.keys[0]] })
    expect(await codeOf(load('bot'))).toBe('keys/missing')
  })
})
