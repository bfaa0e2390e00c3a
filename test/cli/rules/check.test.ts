import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Checked, textOf } from '#cli/rules/check-report.ts'
import { rulesText } from '../../builders.ts'
import { pagepass, pagepassHere } from '../run-cli.ts'
import { useFolder } from '../use-folder.ts'

const folder = useFolder()
const check = (...args: string[]) => pagepassHere(['rules', 'check', ...args])
const hash = '[0-9a-f]{64}'
const untrusted = rulesText.replace('trusted_triggers: [PIDATADOG]', 'trusted_triggers: []')

/** A folder with two environments; what they share, and what one of them says. */
const folderOf = async (
  name: string,
  changes: { common?: string; staging?: string } = {},
): Promise<string> => {
  const from = rulesText.indexOf('services:\n')
  const to = rulesText.indexOf('on_page:')
  const common = `${rulesText.slice(0, from).replace('environment: sandbox\n', '')}${rulesText.slice(to)}`
  const places = (id: string): string =>
    `services:\n  orders-svc: { releases: { blue: http://127.0.0.1:1 }, serve: blue, pagerduty: [${id}], trusted_triggers: [P1], channel: "#inc" }\n`
  await folder.put(`${name}/access.yaml`, changes.common ?? common)
  await folder.put(
    `${name}/services/payments.yaml`,
    'services:\n  orders-svc: { profile: web, labels: [tier-1] }\n',
  )
  await folder.put(`${name}/env/production.yaml`, places('PORDER1'))
  await folder.put(`${name}/env/staging.yaml`, changes.staging ?? places('PORDER2'))
  return folder.at(name)
}

describe.concurrent('As a program of its own', () => {
  test('it exits with 0, 2 or 1, and says what it found on standard output, without colours', async () => {
    const odd = await folder.put('program-odd.yaml', untrusted)
    const faulty = await folder.put('program-faulty.yaml', rulesText.replace('serve: blue', 'serve: gren'))
    const [sound, warned, broken, missing] = await Promise.all(
      [[], [odd, '--strict'], [faulty], [folder.at('none.yaml')]].map((args) =>
        pagepass(['rules', 'check', ...args]),
      ),
    )
    expect([sound, warned, broken, missing].map((ran) => ran?.code)).toEqual([0, 2, 1, 1])
    expect(sound?.out).toContain('access.yaml is sound')
    expect(warned?.out).toContain(`${odd}:28:5 warning: `)
    expect(broken?.out).toContain(`${faulty}:27:12 unknown release "gren"`)
    expect(missing?.err).toContain("can't be read (ENOENT)")
    for (const ran of [sound, warned, broken]) expect(ran?.err).toBe('')
    for (const ran of [sound, warned, broken]) expect(ran?.out).not.toContain('\u001b')
  })
})

describe('pagepass rules check', () => {
  test('says that the repository’s rule set is sound, and its hash, in one line after its notes', async () => {
    const { code, out, err } = await check()
    expect([code, err]).toEqual([0, ''])
    const lines = out.trimEnd().split('\n')
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^access\.yaml:\d+:\d+ note: \S/)
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^access\\.yaml is sound: \\d+ services, \\d+ page rules?, \\d+ request rules?, \\d+ notes?, rules hash ${hash}$`,
      ),
    )
  })

  test('names every fault as file:line:column with its mend, and exits with 1', async () => {
    const file = await folder.put(
      'names.yaml',
      rulesText.replace('serve: blue', 'serve: gren').replace('give: operate', 'give: operatr'),
    )
    const { code, out, err } = await check(file)
    expect([code, err]).toEqual([1, ''])
    const [first, second, ...rest] = out.trimEnd().split('\n')
    expect(first).toContain(`${file}:27:12 unknown release "gren"`)
    expect(second).toMatch(/names\.yaml:49:11 unknown tier "operatr"; did you mean "operate"\?/)
    expect(rest).toEqual([`${file} has 2 faults`])
  })

  test('says when the file can’t be read, and exits with 1', async () => {
    const { code, out, err } = await check(folder.at('none.yaml'))
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain("can't be read (ENOENT)")
  })

  test('warns, and fails with 2 only under --strict', async () => {
    const file = await folder.put('untrusted.yaml', untrusted)
    const warned = await check(file)
    expect([warned.code, warned.err]).toEqual([0, ''])
    expect(warned.out).toMatch(
      /untrusted\.yaml:28:5 warning: on_page\[0\] never gives "orders-svc" by itself/,
    )
    expect(warned.out).toContain(', 1 warning, ')
    expect((await check(file, '--strict')).code).toBe(2)
  })

  test('fails with 1 under --strict where there are faults, and not at all for notes', async () => {
    const file = await folder.put('strict.yaml', untrusted.replace('serve: blue', 'serve: gren'))
    expect((await check(file, '--strict')).code).toBe(1)
    expect((await check('test/example.yaml', '--strict')).code).toBe(0)
  })

  test('prints one JSON object a line under --json', async () => {
    const file = await folder.put('json.yaml', untrusted)
    const { code, out } = await check(file, '--json')
    expect(code).toBe(0)
    const lines: unknown[] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toContainEqual({
      level: 'warning',
      kind: 'triggers-untrusted',
      file,
      line: 28,
      column: 5,
      what: expect.stringContaining('never gives'),
    })
    expect(lines.at(-1)).toEqual({
      path: file,
      sound: true,
      hash: expect.stringMatching(new RegExp(`^${hash}$`)),
      faults: 0,
      warnings: 1,
      notes: lines.length - 2,
    })
  })

  test('prints faults as JSON, too', async () => {
    const file = await folder.put('faulty.yaml', rulesText.replace('serve: blue', 'serve: gren'))
    const { code, out, err } = await check(file, '--json')
    expect([code, err]).toEqual([1, ''])
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { level: 'fault', file, line: 27, column: 12, what: expect.stringContaining('"gren"') },
      { path: file, sound: false, faults: 1, warnings: 0, notes: 0 },
    ])
  })

  test('checks every environment of a folder, and says once what they share', async () => {
    const rules = await folderOf('sound')
    const { code, out, err } = await check(rules)
    expect([code, err]).toEqual([0, ''])
    expect(out.match(/reads all there is/g)).toHaveLength(1)
    const ends = out.trimEnd().split('\n').slice(-2)
    expect(ends[0]).toContain(`${join(rules, 'env/production.yaml')} is sound: 1 service, `)
    expect(ends[1]).toContain(`${join(rules, 'env/staging.yaml')} is sound: 1 service, `)
    const hashes = ends.map((line) => new RegExp(hash).exec(line)?.[0])
    expect(new Set(hashes).size).toBe(2)
  })

  test('fails where one environment of a folder has faults, and names its file', async () => {
    const rules = await folderOf('half', { staging: 'services:\n  orders: { serve: blue }\n' })
    const { code, out } = await check(rules)
    expect(code).toBe(1)
    expect(out).toContain(`${join(rules, 'env/production.yaml')} is sound: `)
    expect(out).toMatch(new RegExp(`^${join(rules, 'env/staging.yaml')}:\\d+:\\d+ `, 'm'))
    expect(out).toMatch(new RegExp(`^${join(rules, 'env/staging.yaml')} has \\d+ faults?$`, 'm'))
  })

  test('says a fault of what is common once', async () => {
    const rules = await folderOf('common', { common: 'version: 1\npeople: [sre]\n' })
    const { out } = await check(rules)
    const lines = out.split('\n').filter((line) => line.startsWith(`${join(rules, 'access.yaml')}:2:`))
    expect(lines).toHaveLength(1)
  })

  test('has colours at a terminal only, and not where NO_COLOR says so', async () => {
    const file = await folder.put('coloured.yaml', untrusted)
    const shown = async (isTerminal: boolean, env: NodeJS.ProcessEnv = {}) =>
      (await pagepassHere(['rules', 'check', file], { isTerminal, env })).out
    const plain = await shown(false)
    expect(plain).not.toContain('\u001b')
    expect(await shown(true)).toContain('\u001b[33mwarning: on_page[0] never gives')
    expect(await shown(true, { NO_COLOR: '1' })).toBe(plain)
    // https://no-color.org: an empty one says nothing.
    expect(await shown(true, { NO_COLOR: '' })).not.toBe(plain)
  })

  test('explains itself', async () => {
    const { code, out } = await check('--help')
    expect(code).toBe(0)
    for (const word of ['--strict', '--json', 'every', 'Exit code: 0', '1 it has faults', '2 it is sound'])
      expect(out).toContain(word)
  })
})

test('The report has the same words with colours', () => {
  const place = { file: 'a.yaml', line: 1, column: 2 }
  const checked: Checked[] = [
    {
      path: 'a.yaml',
      found: [
        { ...place, level: 'warning', kind: 'rule-shadowed', what: 'odd' },
        { ...place, level: 'note', kind: 'label-unused', what: 'unused' },
      ],
      sound: { hash: 'abc', holds: '1 service' },
    },
    { path: 'b.yaml', found: [{ ...place, level: 'fault', what: 'wrong' }], sound: undefined },
  ]
  expect(textOf(checked, false)).toBe(
    'a.yaml:1:2 warning: odd\na.yaml:1:2 note: unused\na.yaml:1:2 wrong\na.yaml is sound: 1 service, 1 warning, 1 note, rules hash abc\nb.yaml has 1 fault\n',
  )
  const coloured = textOf(checked, true)
  expect(coloured).toContain('\u001b[33mwarning: odd\u001b[39m')
  expect(coloured).toContain('\u001b[31mwrong\u001b[39m')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a colour is.
  expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(textOf(checked, false))
})

describe('pagepass rules schema', () => {
  test('prints the schema that is published', async () => {
    const { code, out, err } = await pagepassHere(['rules', 'schema'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(await readFile(new URL('../../../access.schema.json', import.meta.url), 'utf8'))
  })

  test('prints that of a part of a folder, and knows which there are', async () => {
    const { code, out } = await pagepassHere(['rules', 'schema', '--part', 'team'])
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(out).properties)).toEqual(['version', 'services'])
    const wrong = await pagepassHere(['rules', 'schema', '--part', 'half'])
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('whole, common, team, environment')
  })
})
