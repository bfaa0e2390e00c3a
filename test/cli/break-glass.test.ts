import { execFileSync, spawnSync } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readGlass } from '#access/domain/break-glass/pass.ts'
import { glassKeys, signersOf } from '#access/domain/break-glass/signers.ts'
import { glassKey } from '../builders/break-glass.ts'
import { startSshAgent } from '../builders/ssh-agent.ts'
import { pagepassHere } from './run-cli.ts'
import { useFolder } from './use-folder.ts'

const folder = useFolder()
const [device, plain] = [glassKey(), glassKey()]
let agent: Awaited<ReturnType<typeof startSshAgent>>
let alice: string
let rules: string
let keys: ReadonlyMap<string, string>

const who = 'http://127.0.0.1:7074+ana+oncall'
const meant = ['--service', 'payments-svc,orders-svc', '--tier', 'admin', '--who', who]
const fresh = [...meant, '--for', '20m', '--because', 'Redis and Slack are down']

const sign = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  pagepassHere(['break-glass', 'sign', ...args], { env })
const signersIn = (text: string): readonly string[] | undefined => {
  const pass = readGlass(text.trim())
  return pass && signersOf(pass, glassKeys({ who: [], tier: '', for: 0, need: 2, keys }))
}

beforeAll(async () => {
  alice = folder.at('alice.json')
  const made = await pagepassHere(['keys', 'create-break-glass-key', '--name', 'alice', '--out', alice])
  const line = made.out.trimEnd().split('\n').at(-1) ?? ''
  keys = new Map([
    ['alice', line.replace('alice: ', '')],
    ['ben-yubi', device.x],
    ['cho', plain.x],
  ])
  const example = await readFile(new URL('../example.yaml', import.meta.url), 'utf8')
  rules = folder.at('access.yaml')
  const named = [...keys].map(([name, x]) => `${name}: ${x}`).join(', ')
  await writeFile(
    rules,
    `${example}\nbreak_glass: { who: [sre], tier: admin, for: 30m, need: 2, keys: { ${named} } }\n`,
  )
  agent = await startSshAgent(folder.at('agent'), [
    { key: device, comment: 'ben@yubi', device: true },
    { key: plain, comment: 'cho@laptop' },
  ])
})
afterAll(() => agent.close())

describe('pagepass break-glass', () => {
  test('signs a pass with a key file, and co-signs it with a security key through the SSH agent', async () => {
    expect((await stat(alice)).mode & 0o777).toBe(0o600)
    const first = await sign([...fresh, '--rules', rules, '--key', alice])
    expect([first.code, first.out]).toEqual([0, expect.stringMatching(/^pbg1\.[\w.-]+\n$/)])
    expect(first.err).toContain('who          http://127.0.0.1:7074 ana+oncall\n')
    expect(first.err).toContain('services     orders-svc, payments-svc\n')
    expect(first.err).toMatch(/signed by {4}alice SHA256:/)
    expect(readGlass(first.out.trim())?.body).toMatchObject({
      environment: 'sandbox',
      who: { issuer: 'http://127.0.0.1:7074', subject: 'ana+oncall' },
      services: ['orders-svc', 'payments-svc'],
      tier: 'admin',
      because: 'Redis and Slack are down',
    })
    const file = folder.at('pass')
    await writeFile(file, first.out)
    const second = await sign([...meant, '--agent-key', 'ben@yubi', '--rules', rules, file], {
      SSH_AUTH_SOCK: folder.at('agent'),
    })
    expect(second.code, second.err).toBe(0)
    expect(signersIn(second.out)).toEqual(['alice', 'ben-yubi'])
    expect(second.out.length).toBeLessThan(1_000)
    await writeFile(file, second.out)
    const shown = await pagepassHere(['break-glass', 'show', '--rules', rules, file])
    expect(shown.out).toBe(second.err)
  })

  const hasOpenSsh = ['ssh-keygen', 'ssh-agent', 'ssh-add'].every(
    (program) => spawnSync(program, ['-?']).error === undefined,
  )
  test.skipIf(!hasOpenSsh)('signs with the keys of OpenSSH, in a file and by its agent', async () => {
    const file = folder.at('id_ed25519')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'dan@laptop', '-f', file])
    const signed = await sign([...fresh, '--environment', 'production', '--key', file])
    expect(signed.code, signed.err).toBe(0)
    const [signature] = readGlass(signed.out.trim())?.signatures ?? []
    const [, blob = ''] = (await readFile(`${file}.pub`, 'utf8')).split(' ')
    expect(Buffer.from(blob, 'base64').subarray(19)).toEqual(signature?.key)
    const printed = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ')[1] ?? ''
    expect(signed.err).toContain(`signed by    ${printed}\n`)
    const started = execFileSync('ssh-agent', ['-s', '-a', folder.at('real-agent')], { encoding: 'utf8' })
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1])
    try {
      const env = { SSH_AUTH_SOCK: folder.at('real-agent') }
      execFileSync('ssh-add', ['-q', file], { env: { ...process.env, ...env } })
      const byAgent = await sign([...fresh, '--environment', 'production'], env)
      expect(byAgent.code, byAgent.err).toBe(0)
      expect(byAgent.err).toContain(`signed by    ${printed}\n`)
    } finally {
      process.kill(pid)
    }
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', file])
    const locked = await sign([...fresh, '--environment', 'production', '--key', file])
    expect([locked.code, locked.err]).toEqual([1, expect.stringContaining('protected with a passphrase')])
  })

  const refusals: readonly (readonly [string, () => Promise<readonly string[]>, string])[] = [
    [
      'a tier beyond what the co-signer says',
      async () => [...meant.with(3, 'operate'), await pass()],
      '--tier',
    ],
    ['another person', async () => [...meant.with(5, `${who}x`), await pass()], '--who'],
    ['another service', async () => [...meant.with(1, 'orders-svc'), await pass()], '--service'],
    ['another reason', async () => [...meant, '--because', 'other', await pass()], '--because'],
    ['a second signature of one key', async () => [...meant, await pass()], 'has signed the pass already'],
    ['no reason', async () => fresh.slice(0, -2), 'not said why'],
    ['a reason with an escape', async () => [...fresh.slice(0, -1), 'a\u001b[2J'], 'because'],
    ['no length', async () => [...meant, '--because', 'x'], 'for how long'],
    ['too long', async () => fresh.with(7, '31m'), 'too long'],
    [
      'an issuer that the rules don’t take',
      async () => fresh.with(5, 'https://idp.example+ana'),
      'take tokens of',
    ],
    ['nobody', async () => fresh.with(5, 'ana'), 'names nobody'],
    ['a service that there isn’t', async () => fresh.with(1, 'other-svc'), 'no service other-svc'],
    ['a tier that there isn’t', async () => fresh.with(3, 'root'), 'does not reach root'],
    [
      'another environment',
      async () => [...fresh, '--environment', 'production'],
      'the rules are of sandbox',
    ],
    ['what is no pass', async () => [...meant, alice], 'no break-glass pass'],
    ['no file', async () => [...meant, folder.at('nowhere')], "can't be read"],
  ]
  const pass = async (): Promise<string> => {
    const file = folder.at('once')
    await writeFile(file, (await sign([...fresh, '--rules', rules, '--key', alice])).out)
    return file
  }
  test.each(refusals)('does not sign %s', async (_, args, says) => {
    const { code, out, err } = await sign([...(await args()), '--rules', rules, '--key', alice])
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(says)
  })

  test('says which key it may be, where the agent holds several or none', async () => {
    const env = { SSH_AUTH_SOCK: folder.at('agent') }
    const several = await sign([...fresh, '--rules', rules], env)
    expect(several.err).toContain('several keys')
    expect(several.err).toContain('"cho@laptop"')
    const none = await sign([...fresh, '--rules', rules, '--agent-key', 'dan'], env)
    expect(none.err).toContain('no Ed25519 key')
    expect((await sign([...fresh, '--rules', rules])).err).toContain('SSH_AUTH_SOCK is not set')
    for (const said of [Buffer.from([5]), Buffer.from([12, 0, 0, 0, 9, 0]), Buffer.alloc(0)]) {
      agent.answerWith(said)
      expect((await sign([...fresh, '--rules', rules], env)).code).toBe(1)
    }
    agent.answerWith(undefined)
  })

  test('takes no key that the rules don’t name, none of another use, and none that is none', async () => {
    const seal = folder.at('seal.json')
    await pagepassHere(['keys', 'create-seal-key', '--name', 'eve', '--out', seal])
    const other = folder.at('eve.json')
    await pagepassHere(['keys', 'create-break-glass-key', '--name', 'alice', '--out', other])
    for (const [key, says] of [
      [seal, 'no key to break the glass with'],
      [other, 'don’t name this key'],
      [rules, 'no key to break the glass with'],
    ] as const)
      expect((await sign([...fresh, '--rules', rules, '--key', key])).err).toContain(says)
  })
})
