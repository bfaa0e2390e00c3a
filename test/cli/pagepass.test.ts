import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Ports,
  type Prepared,
  partEnvironment,
  placeNames,
  prepareFolder,
} from '#infra/sandbox/stack.ts'
import { aFolder, rulesText } from '../builders.ts'
import { pagepass, pagepassHere, runPart } from './run-cli.ts'

let folder: string
let remove: () => Promise<void>
let prepared: Prepared
beforeAll(async () => {
  ;({ folder, remove } = await aFolder())
  const ports = Object.fromEntries(placeNames.map((name, index) => [name, 1 + index])) as Ports
  prepared = await prepareFolder(join(folder, 'data'), ports)
})
afterAll(() => remove())

const parts = ['bot', 'proxy', 'workers'] as const
/** Nothing listens there: whoever gets so far as to ask Redis hangs, which fails the test. */
const nowhere = 'redis://127.0.0.1:1'
const environment = (part: (typeof parts)[number], changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...partEnvironment(part, prepared, nowhere),
  ...changes,
})
const fileOf = async (name: string, text: string): Promise<string> => {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}
const broken = rulesText.replace('serve: blue', 'serve: gren').replace('how: at once', 'how: now')

describe.concurrent('A process refuses to start', () => {
  test.each(parts)('%s: with a broken rule set, naming the line', async (part) => {
    const file = await fileOf(`${part}.yaml`, broken)
    const { code, err } = await runPart(part, environment(part, { PAGEPASS_RULES: file }))
    expect(code).toBe(1)
    expect(err).toMatch(new RegExp(`^${part}: .*${part}\\.yaml:27:12 unknown release "gren"`))
    expect(err).toMatch(new RegExp(`^.*${part}\\.yaml:\\d+:\\d+ "how" can't be "now"`, 'm'))
  })

  test('bot: with variables missing, naming all of them at once', async () => {
    const set = environment('bot')
    const { code, err } = await pagepass(['bot'], { PATH: set['PATH'] })
    expect(code).toBe(1)
    const optional = [
      'PATH',
      'TZ',
      'LANG',
      'PAGEPASS_MODE',
      'PAGEPASS_RULES',
      'SLACK_API_URL',
      'PAGERDUTY_API_URL',
    ]
    const required = Object.keys(set).filter((name) => !optional.includes(name))
    expect(required.length).toBeGreaterThan(9)
    for (const name of required) expect(err).toContain(`${name}: is missing`)
  })

  test('proxy: when it was handed the key that gives passes', async () => {
    const { folder: other, remove: removeOther } = await aFolder()
    for (const file of ['assertion.private.json', 'trusted.json'])
      await copyFile(join(prepared.keys, 'proxy', file), join(other, file))
    await copyFile(join(prepared.keys, 'bot', 'issue.private.json'), join(other, 'issue.private.json'))
    const { code, err } = await runPart('proxy', environment('proxy', { PAGEPASS_KEYS: other }))
    await removeOther()
    expect(code).toBe(1)
    expect(err).toContain('a proxy process must not hold the private key of role "issue"')
  })

  test('workers: with the key folder of the bot', async () => {
    const PAGEPASS_KEYS = join(prepared.keys, 'bot')
    const { code, err } = await runPart('workers', environment('workers', { PAGEPASS_KEYS }))
    expect(code).toBe(1)
    expect(err).toContain('a workers process must not hold the private key of role "issue"')
  })

  test('bot: with a directory that somebody altered', async () => {
    const [header, , signature] = (await readFile(prepared.directory, 'utf8')).trim().split('.')
    const people = Buffer.from(JSON.stringify({ environment: 'sandbox', asOf: 1, people: [] })).toString(
      'base64url',
    )
    const file = await fileOf('altered.jws', `${header}.${people}.${signature}`)
    const { code, err } = await runPart('bot', environment('bot', { PAGEPASS_DIRECTORY: file }))
    expect(code).toBe(1)
    expect(err).toContain('a directory statement does not hold')
  })

  test('workers: with keys of another environment', async () => {
    const file = await fileOf('other.yaml', rulesText.replace('environment: sandbox', 'environment: staging'))
    const { code, err } = await runPart('workers', environment('workers', { PAGEPASS_RULES: file }))
    expect(code).toBe(1)
    expect(err).toContain('are of environment "sandbox", the rule set is of "staging"')
  })
})

describe('Without PAGEPASS_MODE it is production, which refuses', () => {
  test('vendor APIs that are not the vendors’, over http, and a Redis without a password', async () => {
    const { PAGEPASS_MODE: _, ...rest } = environment('bot')
    const { code, err } = await runPart('bot', rest)
    expect(code).toBe(1)
    for (const fault of [
      'SLACK_API_URL: production needs https',
      'SLACK_API_URL: must be one of slack.com',
      'PAGERDUTY_API_URL: production needs https',
      'PAGERDUTY_API_URL: must be one of api.pagerduty.com, api.eu.pagerduty.com',
      'REDIS_URL: production needs a Redis with a password',
    ])
      expect(err).toContain(fault)
  })
})

describe.concurrent('pagepass keys and directory', () => {
  test('make keys, and sign a directory that the bot takes', async () => {
    const keys = join(folder, 'made')
    const made = await pagepassHere(['keys', 'create', '--folder', keys, '--environment', 'sandbox'])
    expect(made).toEqual({ code: 0, out: '', err: '' })
    const people = await fileOf(
      'people.yaml',
      '- { issuer: "https://idp.example", subject: ana, name: Ana, groups: [sre], active: true }\n',
    )
    const out = join(folder, 'signed.jws')
    const args = [
      'directory',
      'sign',
      people,
      '--keys',
      join(keys, 'offline'),
      '--environment',
      'sandbox',
      '--out',
      out,
    ]
    expect(await pagepass(args)).toEqual({ code: 0, out: '', err: '' })
    expect((await readFile(out, 'utf8')).split('.')).toHaveLength(3)
  })

  test('refuse a directory in which two people share an alias', async () => {
    const one = '{ issuer: i, subject: S, name: N, groups: [], active: true, slack: { team: T, user: U } }'
    const people = await fileOf('shared.yaml', `- ${one.replace('S', 'a')}\n- ${one.replace('S', 'b')}\n`)
    const out = join(folder, 'shared.jws')
    const { code, err } = await pagepassHere([
      'directory',
      'sign',
      people,
      '--keys',
      join(prepared.keys, 'offline'),
      '--environment',
      'sandbox',
      '--out',
      out,
    ])
    expect(code).toBe(1)
    expect(err).toContain('share the Slack account "T U"')
    await expect(readFile(out)).rejects.toThrow('ENOENT')
  })

  test('exit with 1 and help for what is no command', async () => {
    const { code, err } = await pagepass(['grnat'])
    expect(code).toBe(1)
    expect(err).toContain("unknown command 'grnat'")
  })
})
