import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { algorithms, createKeys, type Holder, holders, loadKeys, roles } from '#access/adapters/keys.ts'
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

describe('The key of assertions', () => {
  /** The keys of a folder whose assertion key is P-256, beside those of every test here. */
  const p256 = async () => {
    const other = at('proxy', 'p256')
    await mkdir(other)
    await createKeys(other, 'sandbox', 'ES256')
    const of = async (file: string) => JSON.parse(await readFile(join(other, file), 'utf8'))
    const secret = await of('proxy/assertion.private.json')
    const { d: _, ...open } = secret
    return { other, secret, open }
  }
  const trustedBy = async (holder: Holder) => JSON.parse(await readFile(at(holder, 'trusted.json'), 'utf8'))
  const trust = async (holder: Holder, ...keys: object[]) =>
    change(at(holder, 'trusted.json'), { keys: [...(await trustedBy(holder)).keys, ...keys] })

  test.each(algorithms)('can sign %s; every other key is Ed25519 all the same', async (algorithm) => {
    const made = at('proxy', 'made')
    expect(await createKeys(made, 'sandbox', algorithm)).toBe(true)
    for (const holder of everyHolder) {
      const { own, trusted } = await loadKeys(join(made, holder), holder, 'sandbox')
      for (const { role, alg } of own.values()) expect(alg).toBe(role === 'assertion' ? algorithm : 'EdDSA')
      for (const { role, jwk } of trusted.values()) {
        expect(jwk).toMatchObject(
          role === 'assertion' && algorithm === 'ES256'
            ? { alg: 'ES256', kty: 'EC', crv: 'P-256', use: 'sig' }
            : { alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', use: 'sig' },
        )
        expect(jwk).not.toHaveProperty('d')
      }
    }
  })

  test('of both kinds are trusted at once, whichever signs', async () => {
    const { other, open } = await p256()
    await trust('proxy', open)
    const before = await load('proxy')
    expect(before.own.get('assertion')).toMatchObject({ kid: 'proxy-assertion-1', alg: 'EdDSA' })
    await copyFile(join(other, 'proxy/assertion.private.json'), at('proxy', 'assertion.private.json'))
    const after = await load('proxy')
    expect(after.own.get('assertion')).toMatchObject({ kid: 'proxy-assertion-es256-1', alg: 'ES256' })
    for (const { trusted } of [before, after])
      expect(
        [...trusted.values()].filter(({ role }) => role === 'assertion').map(({ jwk }) => jwk.alg),
      ).toEqual(['EdDSA', 'ES256'])
  })

  test.each(
    everyHolder
      .flatMap((holder) => holders[holder].map((role) => [role, holder] as const))
      .filter(([role]) => role !== 'assertion'),
  )('alone may be P-256: one of role %s in the folder of %s is refused', async (role, holder) => {
    const { secret } = await p256()
    const file = at(holder, `${role}.private.json`)
    await writeFile(file, JSON.stringify({ ...secret, role, kid: `${holder}-${role}-1` }))
    const error = await load(holder).catch((thrown) => thrown)
    expect(isFault(error, 'keys/forbidden')).toBe(true)
    expect(error.message).toContain(`${file} holds a P-256 key`)
    expect(error.message).toContain(`of role "${role}", which only Ed25519 may have`)
    expect(error.message).not.toContain(secret.d)
  })

  test.each(roles.filter((role) => role !== 'assertion'))(
    'alone may be P-256: nobody trusts one of role %s',
    async (role) => {
      const { open } = await p256()
      for (const holder of everyHolder) {
        await trust(holder, { ...open, role })
        const error = await load(holder).catch((thrown) => thrown)
        expect(isFault(error, 'keys/forbidden')).toBe(true)
        expect(error.message).toContain('trusted.json holds a P-256 key')
      }
    },
  )

  test.each<[string, object]>([
    ['another curve', { crv: 'P-384' }],
    ['no y', { y: undefined }],
    ['a point that is not on the curve', { y: 'A'.repeat(43) }],
    ['an algorithm of its own', { alg: 'none' }],
    ['a secret of all', { kty: 'oct', k: 'c2VjcmV0' }],
  ])('is refused with %s', async (_, changes) => {
    const { secret, open } = await p256()
    await trust('proxy', open)
    await writeFile(at('proxy', 'assertion.private.json'), JSON.stringify({ ...secret, ...changes }))
    expect(await codeOf(load('proxy'))).toBe('keys/missing')
  })

  test.each(algorithms)('is refused when nobody would take what it signs (%s)', async (algorithm) => {
    const other = at('proxy', 'another')
    await createKeys(other, 'sandbox', algorithm)
    await copyFile(join(other, 'proxy/assertion.private.json'), at('proxy', 'assertion.private.json'))
    const error = await load('proxy').catch((thrown) => thrown)
    expect(isFault(error, 'keys/missing')).toBe(true)
    expect(error.message).toContain('nobody would take what it signs')
  })

  test('is refused when its private part is that of another', async () => {
    const bot = JSON.parse(await readFile(at('bot', 'issue.private.json'), 'utf8'))
    await change(at('proxy', 'assertion.private.json'), { d: bot.d })
    expect(await codeOf(load('proxy'))).toBe('keys/missing')
  })

  test('is known by its bytes: an issuing key written in another way is refused as well', async () => {
    const bot = JSON.parse(await readFile(at('bot', 'issue.private.json'), 'utf8'))
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = digits[digits.indexOf(bot.x.at(-1)) ^ 1]
    const x = `${bot.x.slice(0, -1)}${last}`
    const own = { ...bot, x, role: 'assertion', kid: 'proxy-assertion-1' }
    await writeFile(at('proxy', 'assertion.private.json'), JSON.stringify(own))
    expect(await codeOf(load('proxy'))).toBe('keys/forbidden')
  })
})
