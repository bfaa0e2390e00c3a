import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadRules } from '#access/runtime/rules.ts'
import {
  type Ports,
  type Prepared,
  partEnvironment,
  placeNames,
  prepareFolder,
} from '#infra/sandbox/stack.ts'
import { aFolder, rulesText } from '../builders.ts'
import { pagepass, runPart } from './run-cli.ts'

const https = rulesText.replace(/issuer: [^\s,}]+/, 'issuer: https://idp.example.com')

let folder: string
let remove: () => Promise<void>
let path: string
let key: string
let trusted: string
let hash: string
const env = { PATH: process.env['PATH'], HOME: '/nowhere' }

beforeAll(async () => {
  ;({ folder, remove } = await aFolder())
  await mkdir(join(folder, 'rules'))
  path = join(folder, 'rules', 'access.yaml')
  key = join(folder, 'alice')
  trusted = join(folder, 'signers')
  await writeFile(path, https)
  ;({ hash } = (await loadRules(path)).rules)
  const made = await pagepass(['keys', 'create-seal-key', '--name', 'alice', '--out', key])
  expect(made).toMatchObject({ code: 0, err: '' })
  expect(made.out).toContain(await readFile(`${key}.pub`, 'utf8'))
  expect((await stat(key)).mode & 0o777).toBe(0o600)
  await rename(`${key}.pub`, trusted)
})
afterAll(() => remove())

const seal = (more: readonly string[] = [], at = path) =>
  pagepass(['rules', 'seal', at, '--key', key, ...more], env)

describe('pagepass rules seal', () => {
  test('writes the seal beside the rule set, and says what it sealed', async () => {
    const { code, out, err } = await seal(['--author', 'Ana Lima <ana@example.com>'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(
      [
        `rules hash   ${hash}`,
        'environment  sandbox',
        'author       Ana Lima <ana@example.com>',
        'signer       alice',
        `seal         ${path}.seal`,
        '',
      ].join('\n'),
    )
    expect((await readFile(`${path}.seal`, 'utf8')).split('.')).toHaveLength(3)
  })

  test('puts it in the place of a link, and leaves alone what that leads to', async () => {
    const linked = join(folder, 'linked')
    const victim = join(folder, 'victim')
    const at = join(linked, 'access.yaml')
    await mkdir(linked)
    await writeFile(at, https)
    await writeFile(victim, 'precious')
    await symlink(victim, `${at}.seal`)
    expect((await seal(['--author', 'ana'], at)).code).toBe(0)
    expect(await readFile(victim, 'utf8')).toBe('precious')
    expect((await lstat(`${at}.seal`)).isFile()).toBe(true)
    expect(await readdir(linked)).toEqual(['access.yaml', 'access.yaml.seal'])
  })

  test('leaves nothing behind where it can’t be written', async () => {
    const taken = join(folder, 'taken')
    const at = join(taken, 'access.yaml')
    await mkdir(join(taken, 'access.yaml.seal'), { recursive: true })
    await writeFile(at, https)
    const { code, err } = await seal(['--author', 'ana'], at)
    expect(code).toBe(1)
    expect(err).toContain(`the seal ${at}.seal can't be written (EISDIR)`)
    expect(await readdir(taken)).toEqual(['access.yaml', 'access.yaml.seal'])
  })

  test('refuses the author, and writes nothing', async () => {
    const other = join(folder, 'own.yaml')
    await writeFile(other, https)
    const { code, err } = await seal(['--author', 'Alice Doe <alice@example.com>'], other)
    expect(code).toBe(1)
    expect(err).toContain("Alice Doe <alice@example.com> wrote this rule set, so alice can't seal it")
    await expect(stat(`${other}.seal`)).rejects.toThrow('ENOENT')
  })

  test('refuses a rule set with faults, and a key that is none', async () => {
    const broken = join(folder, 'broken.yaml')
    await writeFile(broken, https.replace('serve: blue', 'serve: gren'))
    const faulty = await seal(['--author', 'ana'], broken)
    expect(faulty.code).toBe(1)
    expect(faulty.err).toMatch(/broken\.yaml:\d+:\d+ /)
    await expect(stat(`${broken}.seal`)).rejects.toThrow('ENOENT')
    const keyless = await pagepass(['rules', 'seal', path, '--key', trusted, '--author', 'ana'], env)
    expect(keyless.code).toBe(1)
    expect(keyless.err).toContain(`${trusted} is no key to seal with`)
  })

  describe('without --author', () => {
    let repository: string
    let committed: string
    let made = 0
    const git = (...words: string[]): void => {
      execFileSync('git', ['-C', repository, '-c', 'commit.gpgsign=false', ...words], {
        env: { ...env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
        stdio: 'pipe',
      })
    }
    const commitAs = (name: string): void =>
      git('-c', `user.name=${name}`, '-c', `user.email=${name}@example.com`, 'commit', '-am', 'rules')
    beforeEach(async () => {
      made += 1
      repository = join(folder, `repository-${made}`)
      committed = join(repository, 'access.yaml')
      await mkdir(repository)
      await writeFile(committed, https)
      git('init', '--quiet')
      git('add', 'access.yaml')
      commitAs('ben')
    })

    test('asks git who changed it last', async () => {
      expect((await seal([], committed)).out).toContain('author       ben <ben@example.com>\n')
      await writeFile(committed, `${https}# more\n`)
      commitAs('alice')
      const { code, err } = await seal([], committed)
      expect(code).toBe(1)
      expect(err).toContain("alice <alice@example.com> wrote this rule set, so alice can't seal it")
    })

    test('asks for whom the commit names, whatever a .mailmap makes of them', async () => {
      await writeFile(committed, `${https}# more\n`)
      commitAs('alice')
      await writeFile(join(repository, '.mailmap'), 'Ben <ben@example.com> <alice@example.com>\n')
      const { code, err } = await seal([], committed)
      expect(code).toBe(1)
      expect(err).toContain("alice <alice@example.com> wrote this rule set, so alice can't seal it")
    })

    test('refuses what is not as it was committed', async () => {
      await writeFile(committed, `${https}# not committed\n`)
      const { code, err } = await seal([], committed)
      expect(code).toBe(1)
      expect(err).toContain('git does not say who wrote')
      expect(err).toContain('commit it first, or name its author')
    })

    test('refuses what git does not know', async () => {
      const { code, err } = await seal()
      expect(code).toBe(1)
      expect(err).toContain('git does not say who wrote')
    })
  })
})

test('A key is not made over another', async () => {
  const before = await readFile(key, 'utf8')
  const { code, err } = await pagepass(['keys', 'create-seal-key', '--name', 'eve', '--out', key])
  expect([code, await readFile(key, 'utf8')]).toEqual([1, before])
  expect(err).toContain('a key is never overwritten')
})

const parts = ['bot', 'proxy', 'workers'] as const

describe.concurrent('In production', () => {
  let prepared: Prepared
  beforeAll(async () => {
    const ports = Object.fromEntries(placeNames.map((name, index) => [name, 1 + index])) as Ports
    prepared = await prepareFolder(join(folder, 'data'), ports)
    await seal(['--author', 'ana'])
  })
  /** As far as its rule set, nothing is wrong with it; and what comes after that is. */
  const start = (part: (typeof parts)[number], changes: NodeJS.ProcessEnv = {}) => {
    const { PAGEPASS_MODE: _, ...rest } = partEnvironment(part, prepared, 'rediss://:password@127.0.0.1:1')
    return runPart(part, {
      ...rest,
      SLACK_API_URL: '',
      PAGERDUTY_API_URL: '',
      PAGEPASS_RULES: path,
      PAGEPASS_RULES_KEYS: trusted,
      PAGEPASS_KEYS: join(folder, 'no-keys'),
      ...changes,
    })
  }

  test.each(parts)('%s takes a rule set that is sealed', async (part) => {
    const { code, err } = await start(part)
    expect(code).toBe(1)
    expect(err).toMatch(new RegExp(`^${part}: the key folder .*no-keys can't be read`))
  })

  test.each(parts)('%s refuses one that is not', async (part) => {
    const unsealed = join(folder, 'rules', `${part}.yaml`)
    await writeFile(unsealed, https)
    const { code, err } = await start(part, { PAGEPASS_RULES: unsealed })
    expect(code).toBe(1)
    expect(err).toContain(`${part}: the rule set ${unsealed} is not sealed`)
    expect(err).toContain(
      `→ have somebody else than its author read it, then: pagepass rules seal ${unsealed}`,
    )
  })

  test.each(parts)('%s refuses one that was sealed for another environment', async (part) => {
    const other = join(folder, 'rules', `${part}-staging.yaml`)
    await writeFile(other, https)
    await seal(['--author', 'ana'], other)
    await writeFile(other, https.replace('environment: sandbox', 'environment: staging'))
    const { code, err } = await start(part, { PAGEPASS_RULES: other })
    expect(code).toBe(1)
    expect(err).toContain('does not hold: it is for environment "sandbox", and the rule set is for "staging"')
  })

  test.each(parts)('%s refuses to start without who may seal', async (part) => {
    const { code, err } = await start(part, { PAGEPASS_RULES_KEYS: '' })
    expect(code).toBe(1)
    expect(err).toContain('PAGEPASS_RULES_KEYS: production needs to know who may seal the rule set')
  })

  test('who may seal is not taken from beside the rule set', async () => {
    const beside = join(folder, 'rules', 'signers')
    await writeFile(beside, await readFile(trusted))
    const { code, err } = await start('proxy', { PAGEPASS_RULES_KEYS: beside })
    expect(code).toBe(1)
    expect(err).toContain(`${beside} lies with the rule set`)
  })

  test('pagepass doctor tells who sealed it, or that nobody did', async () => {
    const set = {
      ...partEnvironment('bot', prepared, 'rediss://:password@127.0.0.1:1'),
      PAGEPASS_MODE: '',
      SLACK_API_URL: '',
      PAGERDUTY_API_URL: '',
      SLACK_BOT_TOKEN: '',
      PAGERDUTY_TOKEN: '',
      PAGEPASS_RULES: path,
      PAGEPASS_RULES_KEYS: trusted,
    }
    const sealed = await pagepass(['doctor', '--json'], set)
    expect(sealed.out).toContain(`hash ${hash.slice(0, 12)}…, sealed by alice`)
    const unsealed = join(folder, 'rules', 'unsealed.yaml')
    await writeFile(unsealed, https)
    const none = await pagepass(['doctor', '--json'], { ...set, PAGEPASS_RULES: unsealed })
    expect(none.out).toContain(
      `"check":"rules","state":"fail","what":"the rule set ${unsealed} is not sealed`,
    )
  })
})
