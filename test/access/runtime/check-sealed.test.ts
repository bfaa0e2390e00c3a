import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sealOf } from '#access/adapters/seal.ts'
import { createSealKey, readSealKey } from '#access/adapters/seal-keys.ts'
import { checkSealed, sealFileOf } from '#access/runtime/check-sealed.ts'
import { loadRulesFor } from '#access/runtime/rules.ts'
import { aFolder, rulesText } from '../../builders.ts'

let folder: string
let remove: () => Promise<void>
let path: string
let trusted: string
const https = rulesText.replace(/issuer: [^\s,}]+/, 'issuer: https://idp.example.com')

beforeAll(async () => {
  ;({ folder, remove } = await aFolder())
  for (const name of ['rules', 'trust']) await mkdir(join(folder, name))
  path = join(folder, 'rules', 'access.yaml')
  await writeFile(path, https)
  trusted = join(folder, 'trust', 'signers')
  await createSealKey(join(folder, 'alice'), 'alice')
  await rename(join(folder, 'alice.pub'), trusted)
})
afterAll(() => remove())

const load = (changes: object = {}) =>
  loadRulesFor({
    PAGEPASS_MODE: 'production',
    PAGEPASS_RULES: path,
    PAGEPASS_RULES_KEYS: trusted,
    ...changes,
  })
const seal = async (at = path): Promise<void> => {
  const { rules } = await load({
    PAGEPASS_MODE: 'sandbox',
    PAGEPASS_RULES: at,
    PAGEPASS_RULES_KEYS: undefined,
  })
  const { hash, environment } = rules
  const text = await sealOf(
    { rules: hash, environment, author: 'ana', at: 1_000 },
    await readSealKey(join(folder, 'alice')),
  )
  await writeFile(sealFileOf(at), `${text}\n`)
}

describe('In production', () => {
  test('a rule set without a seal is refused, with the mend', async () => {
    await expect(load()).rejects.toMatchObject({
      code: 'rules/unsealed',
      message: `the rule set ${path} is not sealed: no ${path}.seal (ENOENT)`,
      mend: `have somebody else than its author read it, then: pagepass rules seal ${path} --key FILE`,
    })
  })

  test('a sealed one is taken, and who sealed it is told', async () => {
    await seal()
    expect((await load()).seal).toMatchObject({ signer: 'alice', author: 'ana' })
  })

  test('one that was changed after it was sealed is refused', async () => {
    await writeFile(path, https.replace(/longest: \d+h/, 'longest: 3h'))
    await expect(load()).rejects.toMatchObject({
      code: 'rules/seal-invalid',
      message: expect.stringMatching(/access\.yaml\.seal does not hold: it is for the rules hash/),
    })
  })

  test('one whose text changed and whose meaning did not is taken', async () => {
    await writeFile(path, `# said more clearly\n${https}`)
    expect((await load()).seal).toMatchObject({ signer: 'alice' })
  })

  test('who may seal must be told', async () => {
    await expect(load({ PAGEPASS_RULES_KEYS: undefined })).rejects.toMatchObject({
      code: 'config/invalid',
      message: 'PAGEPASS_RULES_KEYS: is missing',
    })
  })
})

test('A folder is sealed as a whole, for each environment beside its file', async () => {
  const tree = join(folder, 'whole')
  for (const name of ['env', 'services']) await mkdir(join(tree, name), { recursive: true })
  const production = join(tree, 'env', 'production.yaml')
  await writeFile(join(tree, 'access.yaml'), https.replace(/^environment:.*$/m, ''))
  await writeFile(production, 'environment: production\n')
  await seal(production)
  expect((await load({ PAGEPASS_RULES: production })).seal).toMatchObject({ environment: 'production' })
  expect((await load({ PAGEPASS_RULES: tree })).seal, 'named by the folder').toBeDefined()
  await rename(`${production}.seal`, join(tree, 'env', 'staging.yaml.seal'))
  await writeFile(join(tree, 'env', 'staging.yaml'), 'environment: staging\n')
  await expect(load({ PAGEPASS_RULES: join(tree, 'env', 'staging.yaml') })).rejects.toMatchObject({
    code: 'rules/seal-invalid',
    message: expect.stringContaining('it is for environment "production"'),
  })
  await seal(production)
  await writeFile(join(tree, 'access.yaml'), https.replace(/^environment:.*$/m, '').replace('8h', '9h'))
  await expect(load({ PAGEPASS_RULES: production })).rejects.toMatchObject({ code: 'rules/seal-invalid' })
})

describe('The sandbox', () => {
  test('demands no seal', async () => {
    const { seal: none } = await load({ PAGEPASS_MODE: 'sandbox', PAGEPASS_RULES_KEYS: undefined })
    expect(none).toBeUndefined()
  })

  test('checks one where it is told who may seal', async () => {
    await writeFile(sealFileOf(path), 'nonsense')
    await expect(load({ PAGEPASS_MODE: 'sandbox' })).rejects.toMatchObject({ code: 'rules/seal-invalid' })
    await seal()
  })
})

describe('Keys that lie with the rules are refused:', () => {
  const check = (keys: string, more: readonly string[] = []) =>
    checkSealed({ path, files: [path, ...more], hash: '', environment: '' }, keys)
  const refused = (folderName: string) => ({
    code: 'keys/forbidden',
    message: expect.stringContaining(`lies with the rule set, in ${folderName}`),
  })

  test('beside them, and below', async () => {
    const rules = join(folder, 'rules')
    await expect(check(join(rules, 'signers'))).rejects.toMatchObject(refused(rules))
    await expect(check(join(rules, 'keys', 'signers'))).rejects.toMatchObject(refused(rules))
    await expect(check(join(rules, '..', 'rules', 'signers'))).rejects.toMatchObject(refused(rules))
  })

  test('anywhere in the folder of a rule set of many files', async () => {
    const tree = join(folder, 'tree')
    const files = ['env/production.yaml', 'services/a.yaml'].map((name) => join(tree, name))
    const keys = join(tree, 'keys', 'signers')
    await expect(
      checkSealed({ path: files[0] ?? '', files, hash: '', environment: '' }, keys),
    ).rejects.toMatchObject(refused(tree))
  })

  test('through a link to them, or from them', async () => {
    const rules = join(folder, 'rules')
    await symlink(path, join(folder, 'trust', 'link'))
    await expect(check(join(folder, 'trust', 'link'))).rejects.toMatchObject(refused(rules))
    await symlink(trusted, join(rules, 'link'))
    await expect(check(join(rules, 'link'))).rejects.toMatchObject(refused(rules))
  })

  test('through a link on the way, of a file or of a folder', async () => {
    const rules = join(folder, 'rules')
    const trust = join(folder, 'trust')
    await symlink(trusted, join(rules, 'between'))
    await symlink(join(rules, 'between'), join(trust, 'round'))
    await expect(check(join(trust, 'round'))).rejects.toMatchObject(refused(rules))
    await symlink(trust, join(rules, 'folder'))
    await symlink(join('..', 'rules', 'folder'), join(trust, 'over'))
    await expect(check(join(trust, 'over', 'signers'))).rejects.toMatchObject(refused(rules))
    await expect(check(`${trust}/over/../rules/folder/signers`)).rejects.toMatchObject(refused(rules))
  })

  test('with a rule set that is a link on the way, too', async () => {
    const [first, middle] = [join(folder, 'first'), join(folder, 'middle')]
    for (const name of [first, middle]) await mkdir(name)
    await symlink(path, join(middle, 'access.yaml'))
    await symlink(join(middle, 'access.yaml'), join(first, 'access.yaml'))
    const at = join(first, 'access.yaml')
    const keys = join(middle, 'signers')
    await expect(
      checkSealed({ path: at, files: [at], hash: '', environment: '' }, keys),
    ).rejects.toMatchObject(refused(middle))
  })

  test('behind links without end', async () => {
    const round = join(folder, 'trust', 'endless')
    await symlink(round, round)
    await expect(check(round)).rejects.toMatchObject({
      code: 'keys/forbidden',
      message: `${round} leads through more than 40 links`,
    })
  })

  test('but not through links that all lie elsewhere', async () => {
    const trust = join(folder, 'trust')
    await symlink('signers', join(trust, 'one'))
    await symlink('one', join(trust, 'two'))
    await expect(check(join(trust, 'two'))).rejects.toMatchObject({ code: 'rules/seal-invalid' })
  })

  test('but not in a folder whose name begins alike', async () => {
    const beside = join(folder, 'rules-trust')
    await mkdir(beside)
    await expect(check(join(beside, 'none'))).rejects.toMatchObject({ code: 'keys/missing' })
  })
})

test.each([
  ['access.yaml', 'access.yaml.seal'],
  ['env/production.yaml', 'env/production.yaml.seal'],
  ['rules/', 'rules.seal'],
])('the seal of %s is %s', (path, file) => {
  expect(sealFileOf(path)).toBe(file)
})
