import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadRules, loadRulesFor } from '#access/runtime/rules.ts'
import { readBotConfig } from '#bot/config.ts'
import {
  type Ports,
  type Prepared,
  partEnvironment,
  placeNames,
  prepareFolder,
} from '#infra/sandbox/stack.ts'
import { readProxyConfig } from '#proxy/config.ts'
import { readWorkersConfig } from '#workers/config.ts'
import { rulesText } from '../../builders.ts'
import { pagepass, pagepassHere, runPart } from '../run-cli.ts'
import { useFolder } from '../use-folder.ts'

const https = rulesText.replace(/issuer: [^\s,}]+/, 'issuer: https://idp.example.com')

const folder = useFolder()
let path: string
let key: string
let trusted: string
let hash: string
const env = { PATH: process.env['PATH'], HOME: '/nowhere' }

beforeAll(async () => {
  path = await folder.put('rules/access.yaml', https)
  key = folder.at('alice')
  trusted = folder.at('signers')
  ;({ hash } = (await loadRules(path)).rules)
  const made = await pagepassHere(['keys', 'create-seal-key', '--name', 'alice', '--out', key])
  expect(made).toMatchObject({ code: 0, err: '' })
  expect(made.out).toContain(await readFile(`${key}.pub`, 'utf8'))
  expect((await stat(key)).mode & 0o777).toBe(0o600)
  await rename(`${key}.pub`, trusted)
})

const seal = (more: readonly string[] = [], at = path) =>
  pagepassHere(['rules', 'seal', at, '--key', key, ...more], { env })

describe.concurrent('As a program of its own', () => {
  test('it exits with 0, and says what it sealed on standard output', async () => {
    const at = await folder.put('program/access.yaml', https)
    const ran = await pagepass(['rules', 'seal', at, '--key', key, '--author', 'ana'], env)
    expect([ran.code, ran.err]).toEqual([0, ''])
    expect(ran.out).toContain(`seal         ${at}.seal\n`)
  })

  test('it exits with 1 where it may not, and says so on standard error', async () => {
    const at = await folder.put('program-own/access.yaml', https)
    const ran = await pagepass(['rules', 'seal', at, '--key', key, '--author', 'alice'], env)
    expect([ran.code, ran.out]).toEqual([1, ''])
    expect(ran.err).toContain("alice wrote this rule set, so alice can't seal it")
  })
})

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
    const linked = folder.at('linked')
    const victim = folder.at('victim')
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
    const taken = folder.at('taken')
    const at = join(taken, 'access.yaml')
    await mkdir(join(taken, 'access.yaml.seal'), { recursive: true })
    await writeFile(at, https)
    const { code, err } = await seal(['--author', 'ana'], at)
    expect(code).toBe(1)
    expect(err).toContain(`the seal ${at}.seal can't be written (EISDIR)`)
    expect(await readdir(taken)).toEqual(['access.yaml', 'access.yaml.seal'])
  })

  test('refuses the author, and writes nothing', async () => {
    const other = folder.at('own.yaml')
    await writeFile(other, https)
    const { code, err } = await seal(['--author', 'Alice Doe <alice@example.com>'], other)
    expect(code).toBe(1)
    expect(err).toContain("Alice Doe <alice@example.com> wrote this rule set, so alice can't seal it")
    await expect(stat(`${other}.seal`)).rejects.toThrow('ENOENT')
  })

  test('refuses a rule set with faults, and a key that is none', async () => {
    const broken = folder.at('broken.yaml')
    await writeFile(broken, https.replace('serve: blue', 'serve: gren'))
    const faulty = await seal(['--author', 'ana'], broken)
    expect(faulty.code).toBe(1)
    expect(faulty.err).toMatch(/broken\.yaml:\d+:\d+ /)
    await expect(stat(`${broken}.seal`)).rejects.toThrow('ENOENT')
    const keyless = await pagepassHere(['rules', 'seal', path, '--key', trusted, '--author', 'ana'], { env })
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
      repository = folder.at(`repository-${made}`)
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
  const { code, err } = await pagepassHere(['keys', 'create-seal-key', '--name', 'eve', '--out', key])
  expect([code, await readFile(key, 'utf8')]).toEqual([1, before])
  expect(err).toContain('a key is never overwritten')
})

const parts = ['bot', 'proxy', 'workers'] as const
const configOf = { bot: readBotConfig, proxy: readProxyConfig, workers: readWorkersConfig }

describe('In production', () => {
  let prepared: Prepared
  beforeAll(async () => {
    const ports = Object.fromEntries(placeNames.map((name, index) => [name, 1 + index])) as Ports
    prepared = await prepareFolder(folder.at('data'), ports)
    await seal(['--author', 'ana'])
  })
  /** As far as its rule set, nothing is wrong with it; and what comes after that is. */
  const environmentOf = (part: (typeof parts)[number], changes: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
    const { PAGEPASS_MODE: _, ...rest } = partEnvironment(part, prepared, 'rediss://:password@127.0.0.1:1')
    return {
      ...rest,
      SLACK_API_URL: '',
      PAGERDUTY_API_URL: '',
      PAGEPASS_RULES: path,
      PAGEPASS_RULES_KEYS: trusted,
      PAGEPASS_KEYS: folder.at('no-keys'),
      ...changes,
    }
  }
  const start = (part: (typeof parts)[number], changes: NodeJS.ProcessEnv = {}) =>
    runPart(part, environmentOf(part, changes))
  /** What it does with its variables and its rule set, without a process. */
  const begin = async (part: (typeof parts)[number], changes: NodeJS.ProcessEnv) =>
    loadRulesFor(configOf[part](environmentOf(part, changes)))

  test.concurrent.each(parts)('%s takes a rule set that is sealed', async (part) => {
    const { code, err } = await start(part)
    expect(code).toBe(1)
    expect(err).toMatch(new RegExp(`^${part}: the key folder .*no-keys can't be read`))
  })

  test.concurrent.each(parts)('%s refuses one that is not', async (part) => {
    const unsealed = folder.at('rules', `${part}.yaml`)
    await writeFile(unsealed, https)
    const { code, err } = await start(part, { PAGEPASS_RULES: unsealed })
    expect(code).toBe(1)
    expect(err).toContain(`${part}: the rule set ${unsealed} is not sealed`)
    expect(err).toContain(
      `→ have somebody else than its author read it, then: pagepass rules seal ${unsealed}`,
    )
  })

  test.each(parts)('%s refuses one that was sealed for another environment', async (part) => {
    const other = folder.at('rules', `${part}-staging.yaml`)
    await writeFile(other, https)
    await seal(['--author', 'ana'], other)
    await writeFile(other, https.replace('environment: sandbox', 'environment: staging'))
    await expect(begin(part, { PAGEPASS_RULES: other })).rejects.toMatchObject({
      code: 'rules/seal-invalid',
      message: expect.stringContaining(
        'does not hold: it is for environment "sandbox", and the rule set is for "staging"',
      ),
    })
  })

  test.each(parts)('%s refuses to start without who may seal', async (part) => {
    await expect(begin(part, { PAGEPASS_RULES_KEYS: '' })).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringContaining(
        'PAGEPASS_RULES_KEYS: production needs to know who may seal the rule set',
      ),
    })
  })

  test('who may seal is not taken from beside the rule set', async () => {
    const beside = folder.at('rules', 'signers')
    await writeFile(beside, await readFile(trusted))
    await expect(begin('proxy', { PAGEPASS_RULES_KEYS: beside })).rejects.toMatchObject({
      code: 'keys/forbidden',
      message: expect.stringContaining(`${beside} lies with the rule set`),
    })
  })
})
