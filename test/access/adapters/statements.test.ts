import { CompactSign, generateKeyPair } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import type { PrivateKey } from '#access/adapters/keys.ts'
import { readUnverified, type Statements } from '#access/adapters/statements.ts'
import { isFault } from '#access/domain/errors.ts'
import { aGrant, anEnd, freshKeys, freshStatements, noon, statementsWith } from '../../builders.ts'

type Parts = Awaited<ReturnType<typeof freshStatements>>
let keys: Awaited<ReturnType<typeof freshKeys>>
let ours: Parts
let others: Parts
beforeAll(async () => {
  ;[keys, others] = await Promise.all([freshKeys(), freshStatements()])
  ours = statementsWith(keys)
})

const grant = aGrant()
const end = anEnd(grant)
const head = { environment: 'sandbox', at: noon, epoch: 'e', sequence: 1, count: 0, set: '' }

const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const partsOf = (statement: string): [string, string, string] =>
  statement.split('.') as [string, string, string]

const invalid = async (kind: 'grant' | 'end' | 'head', statement: string, by: Statements = ours.proxy) => {
  const error = await by.verify(kind, statement).catch((thrown) => thrown)
  expect(isFault(error, 'statement/invalid')).toBe(true)
}

describe('A signed statement', () => {
  test('says to everybody what was signed', async () => {
    expect(await ours.proxy.verify('grant', await ours.bot.sign('grant', grant))).toEqual(grant)
    expect(await ours.proxy.verify('end', await ours.workers.sign('end', end))).toEqual(end)
    expect(await ours.workers.verify('head', await ours.bot.sign('head', head))).toEqual(head)
  })

  test.each<[string, keyof Parts, () => Parameters<Statements['sign']>]>([
    ['workers can’t give', 'workers', () => ['grant', grant]],
    ['proxies can’t give', 'proxy', () => ['grant', grant]],
    ['proxies can’t end', 'proxy', () => ['end', end]],
    ['proxies can’t attest', 'proxy', () => ['head', head]],
    ['whoever signs the directory can’t give', 'offline', () => ['grant', grant]],
  ])('can’t be signed without the role: %s', async (_, part, what) => {
    const error = await ours[part].sign(...what()).catch((thrown) => thrown)
    expect(isFault(error, 'keys/missing')).toBe(true)
  })

  test('is refused when its key was revoked while it was being checked', async () => {
    const own = await freshKeys()
    const { bot, proxy } = statementsWith(own)
    const statement = await bot.sign('grant', grant)
    const checking = proxy.verify('grant', statement).catch((thrown) => thrown)
    own.proxy.revoked.add('bot-issue-1')
    expect(isFault(await checking, 'statement/invalid')).toBe(true)
    expect(await proxy.verify('grant', statement, 'even revoked')).toEqual(grant)
  })

  test('is refused as another kind', async () => {
    const statement = await ours.bot.sign('end', end)
    await invalid('grant', statement)
    await invalid('head', statement)
  })

  const signedBy = (own: PrivateKey | undefined, body: object, typ: string): Promise<string> => {
    if (own === undefined) return expect.fail('no such key')
    return new CompactSign(Buffer.from(JSON.stringify(body)))
      .setProtectedHeader({ alg: 'EdDSA', typ, kid: own.kid })
      .sign(own.key)
  }

  test.each([['pagepass-end+jws'], ['pagepass-head+jws'], ['JWT'], ['']])(
    'is refused with the typ “%s”, though the right key signed it',
    async (typ) => {
      await invalid('grant', await signedBy(keys.bot.own.get('issue'), grant, typ))
    },
  )

  test.each(['end', 'head'] as const)(
    'is refused as a grant when a key of role %s signed it',
    async (role) => {
      await invalid('grant', await signedBy(keys.workers.own.get(role), grant, 'pagepass-grant+jws'))
    },
  )

  test('is refused as an end when the proxy’s own key signed it', async () => {
    await invalid('end', await signedBy(keys.proxy.own.get('assertion'), end, 'pagepass-end+jws'))
  })

  test('is refused under the name of another key', async () => {
    const own = keys.workers.own.get('end')
    const kid = 'bot-issue-1'
    await invalid('grant', await signedBy(own && { ...own, kid }, grant, 'pagepass-grant+jws'))
  })

  test('is refused when a key of the same name, but not ours, signed it', async () => {
    await invalid('grant', await others.bot.sign('grant', grant))
  })

  test('is refused with a key that it brings along', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }
    for (const extra of [
      { jwk },
      { jwk, kid: 'nobody' },
      { kid: 'bot-issue-1', jku: 'http://evil.example' },
    ]) {
      const statement = await new CompactSign(Buffer.from(JSON.stringify(grant)))
        .setProtectedHeader({ alg: 'EdDSA', typ: 'pagepass-grant+jws', ...extra })
        .sign(privateKey)
      await invalid('grant', statement)
    }
  })

  test.each([['none'], ['None'], ['HS256'], ['ES256']])('is refused with alg %s', async (alg) => {
    const header = base64({ alg, typ: 'pagepass-grant+jws', kid: 'bot-issue-1' })
    const signature = partsOf(await ours.bot.sign('grant', grant))[2]
    await invalid('grant', `${header}.${base64(grant)}.`)
    await invalid('grant', `${header}.${base64(grant)}.${signature}`)
  })

  test('is refused when its payload was altered', async () => {
    const [header, , signature] = partsOf(await ours.bot.sign('grant', grant))
    await invalid('grant', [header, base64({ ...grant, tier: 'admin' }), signature].join('.'))
  })

  test('is refused when it is of another environment, even if a trusted key signed it', async () => {
    await invalid('grant', await ours.bot.sign('grant', aGrant({ environment: 'production' })))
  })

  test.each<[string, object]>([
    ['an unknown field', { ...grant, admin: true }],
    ['a missing field', { ...grant, until: undefined }],
    ['another state', { ...grant, state: 'ended' }],
    ['a time in words', { ...grant, until: 'never' }],
    ['no end in sight', { ...grant, until: Number.POSITIVE_INFINITY }],
    ['an id that is none', { ...grant, id: '../../etc' }],
  ])('is refused when its body has %s', async (_, body) => {
    await invalid('grant', await ours.bot.sign('grant', body as never))
  })

  test.each([[''], ['a'], ['a.b'], ['a.b.c'], ['a.b.c.d'], ['{}'], ['..']])(
    'is refused when it is “%s”',
    async (text) => {
      await invalid('grant', text)
    },
  )
})

describe('Reading without verifying', () => {
  test('says what a statement holds', async () => {
    expect(readUnverified('grant', await others.bot.sign('grant', grant))).toEqual(grant)
  })

  test.each([[''], ['a.b.c'], [`a.${base64('[]')}.c`], [`a.${base64({ id: 1 })}.c`]])(
    'faults for “%s”',
    (text) => {
      expect(() => readUnverified('grant', text)).toThrow(
        expect.objectContaining({ code: 'statement/invalid' }),
      )
    },
  )
})
