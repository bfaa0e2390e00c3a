import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { pagepass, pagepassHere, type Ran } from '../run-cli.ts'
import { useFolder } from '../use-folder.ts'

const base = await readFile(new URL('../../access/rules/diff.yaml', import.meta.url), 'utf8')
const wider = base.replace('who: [sre], tiers: [admin]', 'who: [sre, payments], tiers: [admin]')
const sentence = 'payments gains admin on orders-svc, payments-svc and ledger-svc by approval, up to 7d ahead'

const folder = useFolder()
const { put } = folder

/** A service's lines that an environment says. */
const ofEnvironment = /^ {4}(?:releases|serve|pagerduty|trusted_triggers|channel): .*\n/gm
const environmentOf = (name: string, host: string): string => {
  const services = ['orders-svc', 'payments-svc', 'ledger-svc'].map(
    (one) => `  ${one}: { releases: { blue: "http://${one}.${host}" }, serve: blue, channel: "#${name}" }\n`,
  )
  return `environment: ${name}\ndomain: ${host}\nservices:\n${services.join('')}`
}

const git = (...words: string[]) =>
  promisify(execFile)('git', [
    '-C',
    folder.at(),
    '-c',
    'user.name=Ana',
    '-c',
    'user.email=ana@example.com',
    ...words,
  ])

beforeAll(async () => {
  await put('old.yaml', base)
  await put('new.yaml', wider)
  await put('commented.yaml', `# the same\n${base}`)
  await put('broken.yaml', base.replace('how: auto', 'how: now'))
  const common = base
    .replace('environment: test\n', '')
    .replace('domain: access.example.com\n', '')
    .replaceAll(ofEnvironment, '')
  await put('rules/access.yaml', common)
  await put('rules/env/staging.yaml', environmentOf('staging', 'staging.example.com'))
  await put('rules/env/production.yaml', environmentOf('production', 'example.com'))
  await git('init', '-q')
  await git('add', '.')
  await git('commit', '-qm', 'rules')
  await put(
    'rules/access.yaml',
    common.replace('who: [sre], tiers: [admin]', 'who: [sre, payments], tiers: [admin]'),
  )
})

const diff = (...args: string[]): Promise<Ran> =>
  pagepassHere(['rules', 'diff', ...args], { env: { PATH: process.env['PATH'] }, folder: folder.at() })

describe.concurrent('As a program of its own', () => {
  test.each([
    [0, ['old.yaml', 'HEAD:new.yaml']],
    [1, ['old.yaml', 'new.yaml', '--exit-code']],
    [2, ['old.yaml', 'broken.yaml']],
  ])('it exits with %j, and says the same', async (code, args) => {
    const ran = await pagepass(['rules', 'diff', ...args], { PATH: process.env['PATH'] }, folder.at())
    expect(ran.code).toBe(code)
    expect(ran).toEqual(await diff(...args))
  })
})

describe('pagepass rules diff', () => {
  test('says what access changes, between what, and exits with 0', async () => {
    const { code, out, err } = await diff('old.yaml', 'new.yaml')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(
      /^1 change: more access, or on easier terms\n {2}\+ .+\n\nfrom old\.yaml \(test, rules hash [0-9a-f]{12}\) to new\.yaml \(test, rules hash [0-9a-f]{12}\)\n$/,
    )
    expect(out).toContain(`  + ${sentence}\n`)
  })

  test('puts what widens before what narrows', async () => {
    const { out } = await diff('new.yaml', 'old.yaml')
    expect(out).toMatch(/^1 change: less access, or on harder terms\n {2}- payments loses admin on /)
  })

  test('says "no access changes" where only the text did, with both hashes', async () => {
    await put('same.yaml', base.replace('name: strict, ', ''))
    const { code, out } = await diff('old.yaml', 'same.yaml', '--exit-code')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^no access changes: only the text differs \(rules hash [0-9a-f]{12}, now [0-9a-f]{12}\)\n$/,
    )
    expect((await diff('old.yaml', 'commented.yaml')).out).toMatch(
      /^no access changes: the same rules hash, [0-9a-f]{12}\n$/,
    )
  })

  test('exits with 1 where access changes, when CI asks for it', async () => {
    expect((await diff('old.yaml', 'new.yaml', '--exit-code')).code).toBe(1)
  })

  test('exits with 2 where one of them has faults or is not there, and says which', async () => {
    const broken = await diff('old.yaml', 'broken.yaml', '--exit-code')
    expect([broken.code, broken.out]).toEqual([2, ''])
    expect(broken.err).toMatch(/broken\.yaml:\d+:\d+ /)
    const missing = await diff('old.yaml', 'nowhere.yaml')
    expect(missing.code).toBe(2)
    expect(missing.err).toContain('nowhere.yaml')
    const unknown = await diff('staging', 'testing')
    expect(unknown.code).toBe(2)
    expect(unknown.err).toContain('neither a file nor an environment "testing"')
  })

  test('knows environments by their names, and only counts their addresses', async () => {
    const { code, out, err } = await diff('staging', 'production', '--exit-code')
    expect([code, err]).toEqual([0, ''])
    expect(out.replaceAll(/[0-9a-f]{12}/g, '…').split('\n')).toEqual([
      'the domain differs',
      'addresses differ on orders-svc, payments-svc and ledger-svc',
      'channels differ on orders-svc, payments-svc and ledger-svc',
      'no access changes besides (rules hash …, now …)',
      '',
    ])
    expect((await diff('staging', 'production', '--rules', 'rules')).out).toBe(out)
    const told = await diff('staging', 'production', '--addresses')
    expect(told.out).toContain(
      '~ ledger-svc is served from http://ledger-svc.example.com instead of http://ledger-svc.staging.example.com\n',
    )
  })

  test('reads a file, or a folder, as git has it at a revision', async () => {
    expect((await diff('HEAD:old.yaml', 'new.yaml')).out).toContain(sentence)
    const { out } = await diff('HEAD:rules/env/staging.yaml', 'rules/env/staging.yaml')
    expect(out).toContain(sentence)
    const unknown = await diff('HEAD:nowhere.yaml', 'new.yaml')
    expect(unknown.code).toBe(2)
    expect(unknown.err).toContain('HEAD:nowhere.yaml')
  })

  test('reads a folder at a revision by the file of an environment only, and its help says so', async () => {
    const { code, err } = await diff('HEAD:rules', 'rules/env/staging.yaml')
    expect(code).toBe(2)
    expect(err).toContain('HEAD:rules')
    expect((await diff('--help')).out).toMatch(/main:rules\/env\/staging\.yaml, from .*; no folder\)/)
  })

  test('takes no cases for a part of the rule set at a revision', async () => {
    await put('rules/services/extra.test.yaml', 'cases: []\n')
    await git('add', 'rules/services')
    await git('commit', '-qm', 'cases')
    const { code, out, err } = await diff('HEAD:rules/env/staging.yaml', 'rules/env/staging.yaml')
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain(sentence)
  })

  test('gives programs one object', async () => {
    const { out } = await diff('old.yaml', 'new.yaml', '--json')
    expect(JSON.parse(out)).toMatchObject({
      old: { path: 'old.yaml', environment: 'test' },
      new: { path: 'new.yaml', environment: 'test' },
      changes: [{ kind: 'gains', weight: 440, text: sentence, who: [['payments']], tiers: ['admin'] }],
      leftOut: [],
    })
  })
})
