import { sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { bytesOfGlass, type Glass, glassText } from '#access/domain/break-glass/pass.ts'
import { deviceSignedBytes, signedBytes } from '#access/domain/break-glass/signed-bytes.ts'
import { canonicalJson } from '#access/domain/canonical-json.ts'
import { principalKey } from '#access/domain/principal.ts'
import { people } from '#infra/sandbox/people.ts'
import { expectGoodRequest, expectRefused } from '../builders/attack.ts'
import { aNonce, glassBy, glassKey, signedByDevice, signedWith } from '../builders/break-glass.ts'
import { type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'

/*
 * Somebody holds a break-glass pass, or parts of one: a former one, one of a colleague, one key of the two that it takes.
 * They want in where it does not let them, or for longer, or unseen. A pass counts as it was written and signed, for whom,
 * where and when it says, and for nothing else; whatever is wrong with it, nothing reaches the service.
 */

const [alice, vault, other] = [glassKey(), glassKey(), glassKey()]
const minute = 60_000

describe('A break-glass pass', () => {
  let proxy: ProxyUnderTest
  let unruled: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 132, {
      mend: (text) =>
        text
          .replace('groups: [sre]', 'groups: [sre], subjects: [idp-none]')
          .concat(
            `\nbreak_glass: { who: [payments], tier: operate, for: 20m, need: 2, keys: { alice: ${alice.x}, vault: ${vault.x} } }\n`,
          ),
    })
    await proxy.give('ana', { tier: 'observe', lasts: 7_200_000 })
  })
  afterAll(() => Promise.all([proxy.stop(), unruled?.stop()]))

  const aGlass = (changes: Partial<Glass> = {}): Glass => ({
    environment: 'sandbox',
    who: { issuer: proxy.idp.issuer, subject: people.ana.subject },
    services: ['orders-svc'],
    tier: 'operate',
    from: proxy.now(),
    until: proxy.now() + 10 * minute,
    because: 'Redis and Slack are down',
    nonce: aNonce(),
    ...changes,
  })
  const presented = (...passes: readonly string[]): Promise<string> =>
    proxy.request(
      'ana',
      'DELETE',
      '/v1/orders/1',
      passes.map((pass) => `X-Pagepass-Break-Glass: ${pass}`),
    )
  const refusals: string[] = []
  /** Nothing of it reaches the service. What the audit says of all of them is looked at in the end. */
  const refusedFor = async (pass: string, reason: string, status = 403): Promise<void> => {
    proxy.orders.forget()
    const answer = await ask(proxy.port, await presented(pass))
    expect([answer.status, problemOf(answer).reason]).toEqual([status, reason])
    expect(proxy.orders.bytes()).toBe('')
    refusals.push(reason)
  }
  const encoded = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64url')
  const replaced = (pass: string, part: number, text: (before: string) => string): string =>
    pass
      .split('.')
      .map((one, index) => (index === part ? text(one) : one))
      .join('.')

  test('that holds lets its person in, so that what follows is not refused for something else', async () => {
    const answer = await ask(proxy.port, await presented(glassBy(aGlass(), alice, vault)))
    expect(answer.status).toBe(200)
  })

  /* Whoever holds a signed pass writes another person, service, tier, hour or reason into it, and keeps the signatures. */
  test.each<[string, () => Partial<Glass>]>([
    ['a later end', () => ({ until: proxy.now() + 15 * minute })],
    ['another reason', () => ({ because: 'nothing' })],
    ['one more service', () => ({ services: ['orders-svc', 'payments-svc'] })],
    ['another nonce', () => ({ nonce: aNonce() })],
  ])('into which %s was written counts for nothing', async (_, changes) => {
    const body = aGlass()
    const signatures = [alice, vault].map((key) => signedWith(bytesOfGlass(body), key))
    const altered = glassText({ bytes: bytesOfGlass({ ...body, ...changes() }), signatures })
    await refusedFor(altered, 'break-glass-unsigned')
  })

  /* Whoever has one key signs for two; or has none, and names the keys of others. */
  const unsigned: readonly (readonly [string, () => string])[] = [
    ['signed by one', () => glassBy(aGlass(), alice)],
    ['signed by one and a stranger', () => glassBy(aGlass(), alice, other)],
    [
      'signed by strangers in the names of the keys',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const signatures = [alice, vault].map(({ bytes: key }) => ({ ...signedWith(bytes, other), key }))
        return glassText({ bytes, signatures })
      },
    ],
    [
      'signed by one in the name of another',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const mine = signedWith(bytes, alice)
        return glassText({ bytes, signatures: [mine, { ...mine, key: vault.bytes }] })
      },
    ],
    [
      'signed over its bytes alone, as a statement of ours might be',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const raw = [alice, vault].map(({ bytes: key, privateKey }) => ({
          key,
          signature: sign(null, bytes, privateKey),
        }))
        return glassText({ bytes, signatures: raw })
      },
    ],
    [
      'signed as a JWS of ours is',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const input = Buffer.from(
          `${encoded('{"alg":"EdDSA","typ":"pagepass-rules-seal+jws"}')}.${encoded(bytes)}`,
        )
        const jws = [alice, vault].map(({ bytes: key, privateKey }) => ({
          key,
          signature: sign(null, input, privateKey),
        }))
        return glassText({ bytes, signatures: jws })
      },
    ],
    [
      'signed for git, over the same bytes',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const forGit = Buffer.from(
          signedBytes(bytes)
            .toString('latin1')
            .replace('\0\0\0\u0016pagepass-break-glass-1', '\0\0\0\u0003git'),
          'latin1',
        )
        const signatures = [alice, vault].map(({ bytes: key, privateKey }) => ({
          key,
          signature: sign(null, forGit, privateKey),
        }))
        return glassText({ bytes, signatures })
      },
    ],
    [
      'signed by security keys that nobody touched',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const signatures = [alice, vault].map((key) => signedByDevice(bytes, key, { flags: 4 }))
        return glassText({ bytes, signatures })
      },
    ],
    [
      'signed by security keys for a web site',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const signatures = [alice, vault].map((key) =>
          signedByDevice(bytes, key, { application: 'evil.example' }),
        )
        return glassText({ bytes, signatures })
      },
    ],
    [
      'whose security keys’ counters were changed',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const signatures = [alice, vault].map((key) => ({
          ...signedByDevice(bytes, key),
          device: Buffer.from([1, 0, 0, 0, 8]),
        }))
        return glassText({ bytes, signatures })
      },
    ],
  ]
  test.each(unsigned)('%s counts for nothing', async (_, pass) => refusedFor(pass(), 'break-glass-unsigned'))

  test('signed by security keys that were touched holds', async () => {
    const bytes = bytesOfGlass(aGlass())
    const signatures = [signedByDevice(bytes, alice), signedWith(bytes, vault)]
    expect((await ask(proxy.port, await presented(glassText({ bytes, signatures })))).status).toBe(200)
    expect(deviceSignedBytes(bytes, Buffer.alloc(5))).toHaveLength(69)
  })

  /* A pass that was properly signed is used by another person, elsewhere, for more, before or after its time. */
  const misused: readonly (readonly [string, () => Partial<Glass>, string])[] = [
    [
      'somebody else',
      () => ({ who: { issuer: proxy.idp.issuer, subject: people.cho.subject } }),
      'break-glass-not-yours',
    ],
    [
      'the same subject of another provider',
      () => ({ who: { issuer: 'https://evil.example', subject: people.ana.subject } }),
      'break-glass-not-yours',
    ],
    ['another environment', () => ({ environment: 'production' }), 'break-glass-elsewhere'],
    ['another service', () => ({ services: ['payments-svc'] }), 'break-glass-service'],
    ['a tier above what the rules let', () => ({ tier: 'admin' }), 'break-glass-tier'],
    ['a tier that there is not', () => ({ tier: 'root' }), 'break-glass-tier'],
    ['a tier that is too low', () => ({ tier: 'observe' }), 'tier-too-low'],
    [
      'longer than the rules let',
      () => ({ until: proxy.now() + 21 * minute, from: proxy.now() }),
      'break-glass-too-long',
    ],
    [
      'longer, by a beginning long ago',
      () => ({ from: proxy.now() - 30 * minute, until: proxy.now() + minute }),
      'break-glass-too-long',
    ],
    [
      'a time to come',
      () => ({ from: proxy.now() + minute, until: proxy.now() + 2 * minute }),
      'break-glass-early',
    ],
    [
      'a time that is over',
      () => ({ from: proxy.now() - 2 * minute, until: proxy.now() - 1 }),
      'break-glass-over',
    ],
    ['no time at all', () => ({ from: proxy.now(), until: proxy.now() - minute }), 'break-glass-too-long'],
  ]
  test.each(misused)('for %s does not let in', async (_, changes, reason) =>
    refusedFor(glassBy(aGlass(changes()), alice, vault), reason),
  )

  /* The same pass in other bytes would be another text to whoever reads it, and another entry in every cache. */
  const unreadable: readonly (readonly [string, () => string])[] = [
    [
      'with white space in its body',
      () => {
        const bytes = Buffer.from(canonicalJson(aGlass()).replace(',', ', '))
        return glassText({ bytes, signatures: [alice, vault].map((key) => signedWith(bytes, key)) })
      },
    ],
    [
      'with a member more',
      () => {
        const bytes = Buffer.from(canonicalJson({ ...aGlass(), admin: true }))
        return glassText({ bytes, signatures: [alice, vault].map((key) => signedWith(bytes, key)) })
      },
    ],
    [
      'with a member twice',
      () => {
        const bytes = Buffer.from(canonicalJson(aGlass()).replace('{', '{"because":"x",'))
        return glassText({ bytes, signatures: [alice, vault].map((key) => signedWith(bytes, key)) })
      },
    ],
    [
      'with services in another order',
      () => glassBy(aGlass({ services: ['payments-svc', 'orders-svc'] }), alice, vault),
    ],
    ['with a service twice', () => glassBy(aGlass({ services: ['orders-svc', 'orders-svc'] }), alice, vault)],
    ['with half a millisecond', () => glassBy(aGlass({ from: proxy.now() - 0.5 }), alice, vault)],
    ['with a line break in its reason', () => glassBy(aGlass({ because: 'a\nb' }), alice, vault)],
    ['with a reason read from right to left', () => glassBy(aGlass({ because: 'a\u202eb' }), alice, vault)],
    ['with the same key twice', () => glassBy(aGlass(), alice, alice)],
    [
      'with its signatures in another order',
      () => {
        const [first = '', body = '', one = '', two = ''] = glassBy(aGlass(), alice, vault).split('.')
        return [first, body, two, one].join('.')
      },
    ],
    ['with padding', () => replaced(glassBy(aGlass(), alice, vault), 1, (body) => `${body}=`)],
    ['in the other base64', () => replaced(glassBy(aGlass(), alice, vault), 2, (one) => `+${one.slice(1)}`)],
    [
      'with spare bits set',
      () => {
        const bytes = bytesOfGlass(aGlass())
        const signatures = [signedByDevice(bytes, alice)]
        const pass = glassText({ bytes, signatures })
        const last = pass.at(-1) ?? ''
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
        return `${pass.slice(0, -1)}${alphabet[alphabet.indexOf(last) + 1]}`
      },
    ],
    ['of another version', () => glassBy(aGlass(), alice, vault).replace('pbg1', 'pbg2')],
    ['without signatures', () => glassBy(aGlass(), alice, vault).split('.').slice(0, 2).join('.')],
    ['with eleven signatures', () => glassBy(aGlass(), ...Array.from({ length: 11 }, glassKey))],
    ['that is longer than any', () => `pbg1.${'A'.repeat(6_200)}.${'A'.repeat(128)}`],
    ['that is a token', () => 'eyJhbGciOiJub25lIn0.e30.'],
  ]
  test.each(unreadable)('%s is none', async (_, pass) => refusedFor(pass(), 'break-glass-unreadable', 400))

  test('leaves a record of each refusal, and the next good request as it was', async () => {
    const recorded = (await proxy.records(refusals.length, ['refused'])).map(({ reason }) => reason)
    expect(refusals.length).toBeGreaterThan(40)
    expect(recorded).toEqual(refusals)
    await expectGoodRequest(proxy)
  })

  test('of who is in no named group does not let in, whatever it says', async () => {
    const body = aGlass({ who: { issuer: proxy.idp.issuer, subject: people.ben.subject } })
    const bytes = await proxy.request('ben', 'DELETE', '/v1/orders/1', [
      `X-Pagepass-Break-Glass: ${glassBy(body, alice, vault)}`,
    ])
    const refused = await expectRefused(proxy, bytes, { status: 403, reason: 'break-glass-people' })
    expect(problemOf(refused).title).toContain('break the glass')
  })

  test('of who is locked out does not let in', async () => {
    const ana = principalKey({ issuer: proxy.idp.issuer, subject: people.ana.subject })
    await proxy.startOver()
    proxy.locks.lock(ana)
    const answer = await ask(proxy.port, await presented(glassBy(aGlass(), alice, vault)))
    proxy.locks.unlock(ana)
    expect(problemOf(answer).reason).toBe('principal-locked')
    expect(proxy.orders.bytes()).toBe('')
  })

  test('without a token, or with one that does not verify, is nobody’s', async () => {
    const text = await presented(glassBy(aGlass(), alice, vault))
    const without = text.replace(/Authorization: .*\r\n/, '')
    await expectRefused(proxy, without, { status: 401, reason: 'token-missing' })
    await expectRefused(proxy, text.replace(/Bearer \S{20}/, 'Bearer x'), {
      status: 401,
      reason: 'token-invalid',
    })
  })

  test('is no use twice in one request, in another spelling, or beside a header of the hop', async () => {
    const pass = glassBy(aGlass(), alice, vault)
    await expectRefused(proxy, await presented(pass, pass), { status: 400 })
    await expectRefused(proxy, await presented(''), { status: 400 })
    const text = await presented(pass)
    for (const name of ['X_Pagepass_Break_Glass', 'X-Pagepass.Break-Glass', 'X-Pagepass-Break-Glass-2'])
      await expectRefused(proxy, text.replace('X-Pagepass-Break-Glass', name), {
        status: 400,
        reason: 'header-reserved',
      })
    await proxy.startOver()
    const nominated = text.replace('\r\n\r\n', '\r\nConnection: x-pagepass-break-glass\r\n\r\n')
    await ask(proxy.port, nominated)
    expect(proxy.orders.bytes().toLowerCase()).not.toContain('break-glass')
  })

  /* A handshake takes the same way: what would not let a request in opens no WebSocket either. */
  test('opens no WebSocket where it does not hold', async () => {
    const pass = glassBy(aGlass({ tier: 'admin' }), alice, vault)
    const text = await proxy.handshake('ana', '/live', { more: [`X-Pagepass-Break-Glass: ${pass}`] })
    await expectRefused(proxy, text, { status: 403, reason: 'break-glass-tier' })
    const twice = await proxy.handshake('ana', '/live', {
      more: [pass, pass].map((one) => `X-Pagepass-Break-Glass: ${one}`),
    })
    await expectRefused(proxy, twice, { status: 400 })
  })

  /* Kept from an earlier day, or shown again and again once it is over: the text was taken before, and is remembered. */
  test('that was taken before is refused once it is over', async () => {
    const body = aGlass({ until: proxy.now() + 3 * minute })
    const text = await presented(glassBy(body, alice, vault))
    expect((await ask(proxy.port, text)).status).toBe(200)
    proxy.ahead(3 * minute)
    expect(problemOf(await ask(proxy.port, text)).reason).toBe('break-glass-over')
    // What it held for is gone, and so is whatever the view knew: too old.
    expect((await ask(proxy.port, await proxy.request('ana', 'GET', '/v1/good'))).status).toBe(200)
  })

  test('is none where the rules know of no break-glass', async () => {
    unruled = await startProxyForTest(inject('redisUrl'), 133)
    await unruled.give('ana')
    const who = { issuer: unruled.idp.issuer, subject: people.ana.subject }
    const pass = glassBy(aGlass({ who, tier: 'admin' }), alice, vault)
    const text = await unruled.request('ana', 'GET', '/admin/x', [`X-Pagepass-Break-Glass: ${pass}`])
    await expectRefused(unruled, text, { status: 403, reason: 'break-glass-none' })
    await expectGoodRequest(unruled)
  })
})
