import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CompactSign } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkSeal, isSamePerson, type Signer, sealOf } from '#access/adapters/seal.ts'
import { createSealKey, readSealKey, readSigners } from '#access/adapters/seal-keys.ts'
import { aFolder } from '../../builders.ts'

const hash = 'a'.repeat(64)
const expected = { hash, environment: 'production' }
const said = { rules: hash, environment: 'production', author: 'Ana Lima <ana@example.com>', at: 1_000 }

let folder: string
let remove: () => Promise<void>
let alice: Signer
let bob: Signer
let signers: readonly Signer[]
beforeAll(async () => {
  ;({ folder, remove } = await aFolder())
  const lines = [
    await createSealKey(join(folder, 'alice'), 'alice'),
    await createSealKey(join(folder, 'bob'), 'bob@example.com'),
  ]
  alice = await readSealKey(join(folder, 'alice'))
  bob = await readSealKey(join(folder, 'bob'))
  await writeFile(join(folder, 'signers'), `# who may seal\n\n${lines.join('\n')}\n`)
  signers = await readSigners(join(folder, 'signers'))
})
afterAll(() => remove())

/** Whatever body and header, signed with the key. */
const signed = (body: object, header: object = {}, by = alice): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(body)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'pagepass-rules-seal+jws', kid: by.name, ...header })
    .sign(by.key)
const why = async (text: string, given = signers): Promise<string> => {
  const checked = await checkSeal(text, expected, given)
  return 'what' in checked ? checked.what : 'it holds'
}

describe('A seal', () => {
  test('holds for the rule set, the environment and the signers it was made with', async () => {
    const checked = await checkSeal(await sealOf(said, alice), expected, signers)
    expect(checked).toEqual({ seal: { ...said, signer: 'alice' } })
  })

  test('holds by any key of its signer, so that one can be replaced', async () => {
    const renamed = signers.map((signer) => ({ ...signer, name: 'alice' }))
    for (const by of [alice, { ...bob, name: 'alice' }])
      expect(await why(await sealOf(said, by), renamed)).toBe('it holds')
  })

  test('of another hash or another environment says which is which', async () => {
    expect(await why(await sealOf({ ...said, rules: 'b'.repeat(64) }, alice))).toBe(
      'it is for the rules hash bbbbbbbbbbbb…, and the rule set has aaaaaaaaaaaa…: what was sealed was changed afterwards',
    )
    expect(await why(await sealOf({ ...said, environment: 'staging' }, alice))).toBe(
      'it is for environment "staging", and the rule set is for "production"',
    )
  })

  test('of somebody unknown names them and those who may', async () => {
    const mallory = { ...alice, name: 'mallory' }
    expect(await why(await sealOf(said, mallory))).toBe(
      '"mallory" signed it, who is not among those who may: alice, bob@example.com',
    )
  })

  test('by another key under the name of one who may does not hold', async () => {
    expect(await why(await sealOf(said, { ...bob, name: 'alice' }))).toMatch(
      /^the signature is not that of alice/,
    )
  })

  test('by its author does not hold, whoever made it', async () => {
    const body = { v: 1, ...said, author: 'Alice <a@example.com>' }
    expect(await why(await signed(body))).toBe('Alice <a@example.com> wrote the rule set and sealed it too')
  })

  test('with any one byte altered does not hold', async () => {
    const seal = await sealOf(said, alice)
    for (let at = 0; at < seal.length; at += 1) {
      // The last character of a signature says two bits; these differ in both.
      const other = seal[at] === 'A' ? 'w' : 'A'
      const altered = seal.slice(0, at) + other + seal.slice(at + 1)
      expect(await why(altered), `character ${at}`).not.toBe('it holds')
    }
  })

  test.each<[string, object, object, RegExp]>([
    ['a field missing', { v: 1, ...said, author: undefined }, {}, /something else than a seal/],
    ['a field too many', { v: 1, ...said, more: 1 }, {}, /something else than a seal/],
    ['another version', { ...said, v: 2 }, {}, /something else than a seal/],
    ['a hash that is none', { v: 1, ...said, rules: 'x' }, {}, /something else than a seal/],
    ['the typ of a grant', { v: 1, ...said }, { typ: 'pagepass-grant+jws' }, /no seal of a rule set/],
    ['no typ', { v: 1, ...said }, { typ: undefined }, /no seal of a rule set/],
    ['no signer', { v: 1, ...said }, { kid: undefined }, /no seal of a rule set/],
  ])('with %s does not hold', async (_, body, header, what) => {
    expect(await why(await signed(body, header))).toMatch(what)
  })

  test.each(['', 'x', 'a.b.c', '..', '{}', '\0', 'é'.repeat(10)])('is not %j', async (text) => {
    expect(await why(text)).toBe('it is no seal of a rule set')
  })

  test('without a signature does not hold', async () => {
    const [, body] = (await sealOf(said, alice)).split('.')
    const header = Buffer.from(
      JSON.stringify({ alg: 'none', typ: 'pagepass-rules-seal+jws', kid: 'alice' }),
    ).toString('base64url')
    expect(await why(`${header}.${body}.`)).toMatch(/^the signature is not that of alice/)
  })

  test('is not made by the author', async () => {
    await expect(sealOf({ ...said, author: 'alice' }, alice)).rejects.toMatchObject({
      code: 'rules/seal-invalid',
      message: "alice wrote this rule set, so alice can't seal it",
    })
  })
})

test.each<[string, string, boolean]>([
  ['alice', 'Alice', true],
  ['Alice  Doe', 'alice doe', true],
  ['Alice Doe <alice@example.com>', 'alice', true],
  ['Alice Doe <alice@example.com>', 'ALICE@example.com', true],
  ['Alice Doe <alice@example.com>', 'alice@elsewhere.example', true],
  ['Alice Doe <doe@example.com>', 'alice doe', true],
  ['Alice Doe <doe@example.com>', 'alice', false],
  ['Ana Lima <ana@example.com>', 'alice', false],
  ['Ana <>', 'alice', false],
  ['@', 'alice', false],
  ['12345+analima@users.noreply.github.com', 'analima', true],
  ['Ana <12345+analima@users.noreply.github.com>', 'analima@example.com', true],
  ['12345+ana.lima+seal@example.com', 'ana-lima', true],
  ['Ana Lima <al@example.com>', 'ana.lima', true],
  ['Ana Lima <al@example.com>', 'Ana_Lima@example.com', true],
  ['ana.lima@example.com <al@example.com>', 'ana-lima', true],
  ['ana+seal@example.com', 'ana@example.com', true],
  ['Ana Lima <ana+git@example.com>', 'ana+seal', true],
  ['123+seal@example.com', '123@example.com', true],
  ['Ana Lima <al@example.com>', 'analima', true],
  ['ANA.LIMA@example.com', 'Ana Lima', true],
  ['ana-lima <al@example.com>', 'anaLima@elsewhere.example', true],
  ['12345+AnaLima@users.noreply.github.com', 'ana lima', true],
  ['Ana Lima <al@example.com>', 'ana', false],
  ['Ana Lima <al@example.com>', 'analim', false],
  ['ana+seal@example.com', 'ben+seal@example.com', false],
  ['+seal@example.com', '.', false],
])('%j and %j are one person: %j', (one, other, same) => {
  expect(isSamePerson(one, other)).toBe(same)
  expect(isSamePerson(other, one)).toBe(same)
})

describe('A key to seal with', () => {
  test('is read by its owner only, and its public half by everybody', async () => {
    expect((await stat(join(folder, 'alice'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(folder, 'alice.pub'), 'utf8')).toMatch(/^alice [A-Za-z0-9_-]{43}\n$/)
  })

  test('is never overwritten', async () => {
    const before = await readFile(join(folder, 'alice'), 'utf8')
    await expect(createSealKey(join(folder, 'alice'), 'eve')).rejects.toMatchObject({
      code: 'file/unwritable',
      message: expect.stringContaining('EEXIST'),
    })
    expect(await readFile(join(folder, 'alice'), 'utf8')).toBe(before)
  })

  test.each(['', 'a b', '#a', 'a\nb', '-a', 'a'.repeat(65)])('is not called %j', async (name) => {
    await expect(createSealKey(join(folder, 'none'), name)).rejects.toMatchObject({
      code: 'keys/name-invalid',
    })
    await expect(stat(join(folder, 'none'))).rejects.toThrow('ENOENT')
  })

  test.each([
    ['nothing', ''],
    ['no JSON', 'secret'],
    ['a key of another use', JSON.stringify({ kty: 'OKP', crv: 'Ed25519', kid: 'a', x: 'x', d: 'secret' })],
  ])('is not %s, and what is there is not shown', async (_, text) => {
    const file = join(folder, 'other')
    await writeFile(file, text)
    const fault = await readSealKey(file).catch((error: Error) => error)
    expect(fault).toMatchObject({ code: 'keys/missing', message: `${file} is no key to seal with` })
    expect(JSON.stringify(fault)).not.toContain('secret')
  })
})

describe('The file of those who may seal', () => {
  test.each([
    ['no key', 'alice', ':2 is not "name key"'],
    ['a key cut short', 'alice abc', ':2 is not "name key"'],
    ['a word too many', `alice ${'A'.repeat(43)} more`, ':2 is not "name key"'],
    ['nobody', '', ' names nobody who may seal the rule set'],
  ])('with %s is refused', async (_, line, what) => {
    const file = join(folder, 'wrong')
    await writeFile(file, `# these\n${line}\n`)
    await expect(readSigners(file)).rejects.toMatchObject({ code: 'keys/missing', message: file + what })
  })

  test('with one key under two names is refused, however it is written', async () => {
    const file = join(folder, 'twice')
    const [, x = ''] = (await readFile(join(folder, 'alice.pub'), 'utf8')).trim().split(' ')
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = digits[digits.indexOf(x.at(-1) ?? '') + 1] ?? ''
    for (const same of [x, x.slice(0, -1) + last]) {
      await writeFile(file, `alice ${x}\nseal-robot ${same}\n`)
      await expect(readSigners(file)).rejects.toMatchObject({
        code: 'keys/missing',
        message: `${file}:2 gives seal-robot the key of alice`,
      })
    }
    await writeFile(file, `alice ${x}\nalice ${x}\n`)
    expect(await readSigners(file)).toHaveLength(2)
  })

  test('that is not there is a fault', async () => {
    await expect(readSigners(join(folder, 'gone'))).rejects.toMatchObject({ code: 'keys/missing' })
  })

  test('takes what Windows writes', async () => {
    const file = join(folder, 'crlf')
    await writeFile(file, (await readFile(join(folder, 'signers'), 'utf8')).replaceAll('\n', '\r\n'))
    expect((await readSigners(file)).map(({ name }) => name)).toEqual(['alice', 'bob@example.com'])
  })
})
