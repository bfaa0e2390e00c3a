import { describe, expect, test } from 'vitest'
import { rulesText } from '../../builders.ts'
import { pagepass, pagepassHere } from '../run-cli.ts'
import { useFolder } from '../use-folder.ts'

const folder = useFolder()

const head = `at: 2026-11-20T12:00Z
people:
  ana: { groups: [team-payments], signed_in: 10m }
  ben: { groups: [sre, "o'clock"] }
cases:
`
const good = `${head}  - { who: ana, holds: operate, service: orders-svc, request: POST /v1/orders/7/retry, expect: allowed }
  - { who: ben, holds: observe, service: orders-svc, request: PUT /v1/flags/7, expect: { is: refused, reason: tier-too-low } }
  - { who: ben, service: orders-svc, ask: { tier: admin, because: x }, expect: { is: approval, by: [sre] } }
  - { who: ana, service: orders-svc, page: {}, expect: { is: given, for: 2h } }
`
const bad = good
  .replace('expect: allowed', 'expect: refused')
  .replace('{ is: refused, reason: tier-too-low }', 'allowed')
  .replace('for: 2h', 'for: 1h')

/** A rule set with cases beside it. */
const withCases = async (name: string, cases: string): Promise<string> => {
  await folder.put(`${name}/access.test.yaml`, cases)
  return folder.put(`${name}/access.yaml`, rulesText)
}

/** Where something stands in a text, by the words before it on its line and its own. */
const placeIn = (text: string, before: string, words = ''): string => {
  const lines = text.split('\n')
  const line = lines.findIndex((one) => one.includes(before + words))
  if (line === -1) throw new Error(`not there: ${before}${words}`)
  return `${line + 1}:${(lines[line] ?? '').indexOf(before + words) + before.length + 1}`
}
const lineOf = (words: string): string => placeIn(rulesText, '', words).split(':')[0] ?? ''
const inRules = (before: string, words?: string): string => placeIn(rulesText, before, words)

/** The words of a command as a POSIX shell takes them, with single quotes only. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/(?:'[^']*'|\\.|[^\s'\\])+/g)].map(([word]) =>
    word.replaceAll(
      /'([^']*)'|\\(.)/g,
      (_all, quoted: string | undefined, escaped: string | undefined) => quoted ?? escaped ?? '',
    ),
  )

describe.concurrent('As a program of its own', () => {
  test('it exits with 0 where all cases hold, and with 1 where not, and says it on standard output', async () => {
    const files = [await withCases('program-good', good), await withCases('program-bad', bad)]
    const ran = await Promise.all(files.map((file) => pagepass(['rules', 'test', file])))
    expect(ran.map(({ code, err }) => [code, err])).toEqual([
      [0, ''],
      [1, ''],
    ])
    for (const [index, file] of files.entries())
      expect(ran[index]).toEqual(await pagepassHere(['rules', 'test', file]))
  })
})

describe('pagepass rules test', () => {
  test('says that all cases of the rule set here hold, and what they cover', async () => {
    const { code, out, err } = await pagepassHere(['rules', 'test', '--min', '100'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(
      /^access\.yaml: all \d+ cases hold\ncovered: (\d+) of \1 rules \(100 %\), (\d+) of \2 patterns \(100 %\)\n$/,
    )
  })

  test('lists what no case covers, with its line', async () => {
    const file = await withCases('uncovered', good)
    const { code, out } = await pagepassHere(['rules', 'test', file])
    expect(code).toBe(0)
    expect(out).toBe(`${file}:${inRules('- ', '{ who: [sre, payments]')} not covered: the rule on_request[0]
${file}:${inRules('[', 'GET /**]')} not covered: the pattern GET /** of observe, profile web
${file}:${inRules('[', 'POST /admin/retry/*]')} not covered: the pattern POST /admin/retry/* of operate, profile web
${file}:${inRules('[', '"* /**"]')} not covered: the pattern * /** of admin, profile web
${file}:${inRules(', ', 'PUT /v1/flags/*]')} not covered: the pattern PUT /v1/flags/* of operate, orders-svc
${file}: all 4 cases hold
covered: 2 of 3 rules (66 %), 1 of 5 patterns (20 %)
`)
  })

  test('exits with 1 where less is covered than has to be, of either kind', async () => {
    const file = await withCases('min', good)
    const run = async (min: string): Promise<[number | null, string[]]> => {
      const { code, out } = await pagepassHere(['rules', 'test', file, '--min', min])
      return [code, out.split('\n').filter((line) => line.startsWith('too few'))]
    }
    expect(await Promise.all(['20', '67'].map(run))).toEqual([
      [0, []],
      [1, ['too few rules are covered: 66 %, not 67 %', 'too few patterns are covered: 20 %, not 67 %']],
    ])
    const { code, err } = await pagepassHere(['rules', 'test', file, '--min', '101'])
    expect([code, err]).toEqual([1, expect.stringContaining('Write a number from 0 to 100.')])
  })

  test('names each case that does not hold by its line, with what came, why, and how to look closer', async () => {
    const file = await withCases('bad', bad)
    const cases = file.replace('.yaml', '.test.yaml')
    const { code, out, err } = await pagepassHere(['rules', 'test', file])
    expect([code, err]).toEqual([1, ''])
    const lines = out.split('\n')
    const failing = lines.flatMap((line, index) => (line.startsWith(cases) ? [index] : []))
    expect(failing.map((index) => lines[index])).toEqual([
      `${cases}:${placeIn(bad, 'expect: ', 'refused }')} ana: POST /v1/orders/7/retry on orders-svc: expected refused; came allowed, tier operate`,
      `${cases}:${placeIn(bad, 'expect: ', 'allowed')} ben: PUT /v1/flags/7 on orders-svc: expected allowed; came refused, reason tier-too-low, tier operate`,
      `${cases}:${placeIn(bad, 'for: ', '1h')} ana is paged for orders-svc: expected given, for 1h; came given, for 2h`,
    ])
    expect(failing.map((index) => lines[index + 1])).toEqual([
      `  POST /v1/orders/*/retry admits it (${file}:${lineOf('POST /v1/orders/*/retry')}), by on_request[0] (${file}:${lineOf('tiers: [observe, operate], how')})`,
      '  Your pass does not reach this far. Not so: observe reaches operate.',
      expect.stringContaining(`on_page[0] decides (${file}:`),
    ])
    expect(lines).toContain(`${file}: 3 of 4 cases do not hold`)
    expect(out).not.toContain('\u001B')

    const commands = failing.map((index) => lines[index + 2]?.replace('  explain it: pagepass ', '') ?? '')
    const [allowed, refused] = await Promise.all(commands.map((command) => pagepassHere(wordsOf(command))))
    expect(allowed).toMatchObject({ code: 0, err: '' })
    expect(refused).toMatchObject({ code: 3, err: '' })
    expect(refused?.out).toContain('tier-too-low')
    expect(commands[1]).toContain(`'sre,o'\\''clock'`)
  })

  test('explains what came of a proxy that is behind, and of somebody who left', async () => {
    const cases = `at: 2026-11-20T12:00Z
people: { ana: { groups: [team-payments] }, eve: { groups: [team-payments], active: false } }
cases:
  - { who: ana, holds: operate, stale: 121s, service: orders-svc, request: POST /v1/orders/7/retry, expect: allowed }
  - { who: eve, service: orders-svc, page: {}, expect: given }
`
    const { out } = await pagepassHere(['rules', 'test', await withCases('left', cases)])
    const commands = [...out.matchAll(/explain it: pagepass (.*)/g)].map(([, command = '']) => command)
    expect(commands).toEqual([
      expect.stringContaining(' --stale 2m1s '),
      expect.stringContaining(' --who eve --groups team-payments --inactive '),
    ])
    const [behind, left] = await Promise.all(commands.map((command) => pagepassHere(wordsOf(command))))
    expect(behind?.out).toContain('is too old')
    expect(left?.out).toContain('not active')
  })

  test('says the same as JSON', async () => {
    const file = await withCases('json', bad)
    const { code, out } = await pagepassHere(['rules', 'test', file, '--json', '--min', '50'])
    expect(code).toBe(1)
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines[1]).toEqual({
      level: 'failure',
      case: 'ben: PUT /v1/flags/7 on orders-svc',
      wrong: ['is'],
      file: file.replace('.yaml', '.test.yaml'),
      line: 7,
      column: 88,
      expected: 'allowed',
      came: 'refused, reason tier-too-low, tier operate',
      why: 'Your pass does not reach this far. Not so: observe reaches operate.',
      explain: expect.stringMatching(/^pagepass rules explain --rules /),
    })
    expect(lines).toContainEqual({
      level: 'uncovered',
      kind: 'pattern',
      what: '* /** of admin, profile web',
      file,
      line: Number(lineOf('"* /**"')),
      column: 17,
    })
    expect(lines.at(-1)).toEqual({
      path: file,
      good: false,
      cases: 4,
      failed: 3,
      rules: { covered: 1, of: 3, percent: 33 },
      patterns: { covered: 0, of: 5, percent: 0 },
      min: 50,
    })
  })

  test('names every fault of the cases, and tries none', async () => {
    const file = await withCases('faulty', good.replace('who: ana', 'who: anna').replace('admin', 'admn'))
    const cases = file.replace('.yaml', '.test.yaml')
    const { code, out, err } = await pagepassHere(['rules', 'test', file])
    expect([code, err]).toEqual([1, ''])
    expect(out).toBe(`${cases}:6:12 unknown person "anna"; did you mean "ana"?
${cases}:8:51 unknown tier "admn"; did you mean "admin"?
`)
    const json = await pagepassHere(['rules', 'test', file, '--json'])
    expect(JSON.parse(json.out.split('\n')[0] ?? '')).toEqual({
      level: 'fault',
      file: cases,
      line: 6,
      column: 12,
      what: 'unknown person "anna"; did you mean "ana"?',
    })
  })

  test('says how to begin where there are no cases, with a file that works', async () => {
    const file = await folder.put('bare/access.yaml', rulesText)
    const { code, out, err } = await pagepassHere(['rules', 'test', file])
    expect([code, out]).toEqual([1, ''])
    const [says, begin = ''] = err.split(':\n\n')
    expect(says).toBe(
      `pagepass: there are no cases beside ${file}\n  → begin with a file ${file.replace('.yaml', '.test.yaml')}, or name others with --cases`,
    )
    const cases = await folder.put('bare/first.yaml', begin)
    const first = await pagepassHere(['rules', 'test', file, '--cases', cases])
    expect([first.code, first.out.includes(`${file}: the one case holds`)]).toEqual([0, true])
  })

  test('says what is wrong with the rule set, and with files that are not there', async () => {
    const broken = await folder.put('broken/access.yaml', rulesText.replace('serve: blue', 'serve: bleu'))
    await folder.put('broken/access.test.yaml', good)
    const unsound = await pagepassHere(['rules', 'test', broken])
    expect([unsound.code, unsound.out]).toEqual([1, ''])
    expect(unsound.err).toContain(`${broken}:`)
    const none = await pagepassHere(['rules', 'test', '--cases', folder.at('none.test.yaml')])
    expect([none.code, none.out]).toEqual([1, ''])
    expect(none.err).toContain(`none.test.yaml can't be read (ENOENT)`)
  })

  test('tries the cases of a folder in each of its environments', async () => {
    const [identity = ''] = /^identity: .*$/m.exec(rulesText) ?? []
    const common = rulesText
      .replace('environment: sandbox\n', '')
      .replace(`${identity}\n`, '')
      .replace(/^ {4}trusted_triggers: .*\n/gm, '')
    await folder.put('rules/access.yaml', common)
    const trusting = '{ orders-svc: { trusted_triggers: [PIDATADOG] } }'
    await folder.put(
      'rules/env/production.yaml',
      `environment: production\n${identity}\nservices: ${trusting}\n`,
    )
    await folder.put('rules/env/staging.yaml', `environment: staging\n${identity}\n`)
    await folder.put('rules/access.test.yaml', good)
    const ofPayments =
      'at: 2026-11-20\npeople: { eve: {} }\ncases:\n  - { who: eve, service: orders-svc, ask: observe, expect: at once }\n'
    await folder.put('rules/services/payments.test.yaml', ofPayments)
    const path = folder.at('rules')
    const { code, out, err } = await pagepassHere(['rules', 'test', path])
    expect([code, err]).toEqual([1, ''])
    const failing = out.split('\n').filter((line) => line.includes('expected'))
    // Staging trusts no trigger; what fails in both is said once.
    expect(failing).toEqual([
      `${path}/services/payments.test.yaml:${placeIn(ofPayments, 'expect: ', 'at once')} eve asks for observe of orders-svc: expected at once; came refused, reason not-eligible, tier observe`,
      `${path}/access.test.yaml:${placeIn(good, 'is: ', 'given')} ana is paged for orders-svc: expected given, for 2h; came offered, reason page-untrusted, tier operate, for 2h`,
    ])
    expect(out).toContain(`explain it: pagepass rules explain --rules ${path}/env/staging.yaml --who ana`)
    expect(out).toContain(`${path}: 2 of 5 cases do not hold`)
  })
})
