/**
 * The attack: have one path decided on and another one served. A path can be spelled in many ways (dot segments,
 * escapes, backslashes, doubled slashes, parameters), and a target in several forms; proxies and back ends have
 * disagreed on every one of them (CVE-2021-41773, CVE-2021-42013, CVE-2022-22965's bypasses, the "reverse proxy path
 * confusion" of Orange Tsai, 2018). The same with the host, which chooses the service, and with the method, which
 * chooses the tier. So only the one canonical spelling is let through, byte for byte; whatever else is a 400 and
 * never leaves this process.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { expectGoodRequest, expectOneRequest, expectRefused } from '../builders/attack.ts'
import { backEnds, startBackEnd } from '../builders/back-ends.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'

describe.each(backEnds)('Before a service on %s:', (backEnd) => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 12, { orders: await startBackEnd(backEnd) })
    await proxy.give('ana')
    await proxy.give('cho', { tier: 'observe' })
  })
  afterAll(() => proxy.stop())

  const service = `orders-svc.${domain}`
  const notCanonical = { status: 400, reason: 'target-not-canonical' }

  describe('Paths that can be read in two ways are refused', () => {
    test.each([
      ['a dot segment', '/v1/../admin/x'],
      ['a dot segment at the end', '/v1/..'],
      ['a single dot', '/v1/./x'],
      ['a single dot at the end', '/v1/.'],
      ['escaped dots', '/v1/%2e%2e/admin'],
      ['escaped dots in upper case', '/v1/%2E%2E/admin'],
      ['half escaped dots', '/v1/.%2e/admin'],
      ['an escaped slash', '/v1/..%2fadmin'],
      ['an escaped slash in upper case', '/v1/a%2Fb'],
      ['an escaped backslash', '/v1/..%5cadmin'],
      ['a backslash', '/v1/..\\admin'],
      ['doubly escaped dots', '/v1/%252e%252e/admin'],
      ['a doubly escaped slash', '/v1/%252fadmin'],
      ['a doubly escaped slash in upper case', '/v1/%252Fadmin'],
      ['dots as UTF-16', '/v1/%u002e%u002e/admin'],
      ['dots in overlong UTF-8', '/v1/%C0%AE%C0%AE/admin'],
      ['a slash in overlong UTF-8', '/v1/..%C0%AFadmin'],
      ['a slash in longer UTF-8', '/v1/..%E0%80%AFadmin'],
      ['a slash in still longer UTF-8', '/v1/..%F0%80%80%AFadmin'],
      ['a byte that no UTF-8 has', '/v1/%FF'],
      ['two slashes', '//v1/x'],
      ['two slashes within', '/v1//admin'],
      ['two slashes at the end', '/v1/x//'],
      ['a path that looks like a host', '//evil.example/v1'],
      ['a parameter', '/v1/x;admin'],
      ['a parameter of a dot segment', '/v1/..;/admin'],
      ['an escaped parameter', '/v1/x%3Badmin'],
      ['an escaped NUL', '/v1/x%00.png'],
      ['an escaped line feed', '/v1/x%0aHost:%20evil'],
      ['an escaped carriage return', '/v1/x%0D'],
      ['an escaped delete', '/v1/x%7F'],
      ['an escaped percent before two digits', '/v1/x%2541'],
      ['an escape in lower case', '/v1/caf%c3%a9'],
      ['an escaped letter', '/v1/%41dmin'],
      ['an escaped digit', '/v1/%31'],
      ['an escaped tilde', '/v1/%7Eana'],
      ['half an escape', '/v1/x%4'],
      ['a lone percent', '/v1/x%'],
      ['an escape of no digits', '/v1/%zz'],
      ['a fragment', '/v1/x#admin'],
      ['a fragment in the query', '/v1/x?a#b'],
      ['a quote', '/v1/x"y'],
      ['an angle bracket', '/v1/<x>'],
      ['a caret', '/v1/x^y'],
      ['a bar', '/v1/x|y'],
      ['brackets', '/v1/[x]'],
      ['braces', '/v1/{x}'],
      ['a backquote', '/v1/`x`'],
      ['an absolute target', `http://${service}/v1/x`],
      ['an absolute target of another host', 'http://evil.example/v1/x'],
      ['an absolute target with a user', `http://ana@${service}/v1/x`],
      ['an absolute target of another scheme', 'file:///etc/passwd'],
      ['the asterisk', '*'],
    ])('%s: %s', async (_, target) => {
      const method = target === '*' ? 'OPTIONS' : 'GET'
      await expectRefused(proxy, await proxy.request('ana', method, target), notCanonical)
    })

    test.each([
      ['a NUL', '/v1/x\0'],
      ['a bell', '/v1/\x07'],
      ['a delete', '/v1/\x7f'],
      ['a tab', '/v1/x\ty'],
      ['a space', '/v1/x y'],
      ['raw UTF-8', '/v1/caf\xc3\xa9'],
      ['raw Latin 1', '/v1/caf\xe9'],
      ['raw UTF-8 in the query', '/v1/x?q=\xc3\xa9'],
      ['no slash', 'v1/x'],
      ['authority form', `${service}:443`],
      ['nothing', ''],
    ])('%s, which is no HTTP at all', async (_, target) => {
      await proxy.startOver()
      const answer = await ask(proxy.port, await proxy.request('ana', 'GET', target))
      expect(answer.status).toBe(400)
      expect(await proxy.records(1)).toMatchObject([{ kind: 'refused', status: 400 }])
      expect(proxy.orders.bytes()).toBe('')
      await expectGoodRequest(proxy)
    })
  })

  test('What is canonical goes through byte for byte', async () => {
    for (const target of [
      '/v1/a%20b/caf%C3%A9',
      '/v1/x%3Fy%23z',
      '/v1/%E0%A4%85/%F0%9F%98%80/%F4%80%80%80',
      "/v1/-._~!$&'()*+,=:@",
      '/v1/...',
      '/v1/..x/.y',
      '/v1/x/',
      '/v1/x?a=../../etc&b=%2e%2e//;\\|<>"`{}[]^',
      '/v1/x??',
      `/v1/${'a'.repeat(8_192)}`,
    ]) {
      expect(await expectOneRequest(proxy, await proxy.request('ana', 'GET', target))).toMatchObject({
        target,
      })
    }
  })

  describe('A path is matched by whole segments, in its own case', () => {
    test.each([
      ['a prefix of a segment', '/publicly'],
      ['a prefix with an escape', '/public%20'],
      ['another case', '/PUBLIC/x'],
      ['the prefix alone', '/public'],
      ['the prefix within', '/x/public/y'],
      ['a trailing dot', '/public./x'],
    ])('%s: %s', async (_, target) => {
      await expectRefused(proxy, await proxy.request('ana', 'GET', target), {
        status: 403,
        reason: 'tier-none',
      })
    })
  })

  describe('Methods that nobody named are not forwarded', () => {
    test.each(['TRACE', 'PROPFIND', 'QUERY', 'LINK', 'PURGE', 'M-SEARCH', 'REPORT'])('%s', async (method) => {
      await expectRefused(proxy, await proxy.request('ana', method), {
        status: 400,
        reason: 'method-not-allowed',
      })
    })

    test.each(['get', 'Get', 'GETS', 'FOO', 'G ET', '', '\0GET', 'PRI'])(
      '“%s”, which is no HTTP',
      async (method) => {
        await expectRefused(proxy, await proxy.request('ana', method), { status: 400 })
      },
    )

    test('CONNECT opens no tunnel', async () => {
      for (const target of [`${service}:443`, '127.0.0.1:22', '/v1/x']) {
        const bytes = await proxy.request('ana', 'CONNECT', target)
        await proxy.startOver()
        expect((await ask(proxy.port, bytes)).status).toBe(400)
        expect(await proxy.records(1)).toMatchObject([{ kind: 'refused', status: 400 }])
        expect(proxy.orders.bytes()).toBe('')
        await expectGoodRequest(proxy)
      }
    })
  })

  describe('Only the method and the target themselves decide', () => {
    test.each([
      ['X-HTTP-Method-Override: DELETE'],
      ['X-HTTP-Method: DELETE'],
      ['X-Method-Override: DELETE'],
      ['x_http_method_override: DELETE'],
      ['X-Original-URL: /admin/x'],
      ['X-Rewrite-URL: /admin/x'],
    ])('%s is refused: frameworks would do what it says, not what was decided on', async (header) => {
      await expectRefused(proxy, await proxy.request('ana', 'GET', '/v1/x', [header]), {
        status: 400,
        reason: 'header-reserved',
      })
    })

    test.each([
      ['X-Original-URI: /v1/x'],
      ['X-Forwarded-Uri: /v1/x'],
      ['X-Forwarded-Prefix: /v1'],
      ['X-Forwarded-Host: payments-svc.access.test'],
      [`X-Host: payments-svc.${domain}`],
    ])('%s does not make another path of it', async (header) => {
      await expectRefused(proxy, await proxy.request('ana', 'GET', '/admin/x', [header]), {
        status: 403,
        reason: 'tier-too-low',
      })
    })
  })

  describe('Hosts', () => {
    const wrong = { status: 421, reason: 'host-wrong' }
    const unknown = { status: 404, reason: 'service-unknown' }
    test.each([
      ['a trailing dot', `${service}.`, wrong],
      ['a port of letters', `${service}:http`, wrong],
      ['an empty port', `${service}:`, wrong],
      ['a port too long', `${service}:808080`, wrong],
      ['two ports', `${service}:80:80`, wrong],
      ['a user', `ana@${service}`, unknown],
      ['a user and another host', `${service}@evil.example`, wrong],
      ['another host before a port', `${service}:80@evil.example:80`, wrong],
      ['a list', `${service}, payments-svc.${domain}`, unknown],
      ['a space', `${service} x`, wrong],
      ['a path', `${service}/v1`, wrong],
      ['a suffix', `${service}.evil.example`, wrong],
      ['a prefix', `x${service}`, unknown],
      ['a level below', `a.${service}`, unknown],
      ['the domain alone', domain, unknown],
      ['brackets', `[${service}]`, wrong],
      ['an address', '127.0.0.1', wrong],
      ['nothing', '', wrong],
      ['a prototype', `__proto__.${domain}`, unknown],
      ['an underscore', `orders_svc.${domain}`, unknown],
      ['high bytes', `orders\xadsvc.${domain}`, unknown],
    ])('%s: “%s”', async (_, host, refusal) => {
      await expectRefused(proxy, (await proxy.request('ana')).replace(service, host), refusal)
    })
  })

  describe('The reserved prefix is ours on every host, and in no spelling a way around', () => {
    const raw = (target: string, method = 'GET') => `${method} ${target} HTTP/1.1\r\nHost: ${service}\r\n\r\n`

    test.each([
      '/.pagepass/',
      '/.pagepass/../v1/x',
      '/.pagepass/..%2fv1/x',
      '/.pagepass//v1/x',
      '/.pagepass/jwks.json/../../v1/x',
      '/.pagepass/jwks.json?x',
      '/.pagepass/whoami',
      '/.pagepass/\\..\\v1',
    ])('%s is answered here', async (target) => {
      await proxy.startOver()
      for (const method of ['GET', 'POST', 'DELETE']) {
        expect((await ask(proxy.port, raw(target, method))).status).toBe(404)
        const signedIn = await proxy.request('ana', method, target)
        expect((await ask(proxy.port, signedIn)).status).toBe(404)
      }
      expect(proxy.orders.bytes()).toBe('')
      await expectGoodRequest(proxy)
    })

    test.each([
      ['//.pagepass/jwks.json', 'target-not-canonical', 400],
      ['/%2Epagepass/jwks.json', 'target-not-canonical', 400],
      ['/%2epagepass/jwks.json', 'target-not-canonical', 400],
      ['/.%70agepass/jwks.json', 'target-not-canonical', 400],
      ['/./.pagepass/jwks.json', 'target-not-canonical', 400],
      ['/v1/../.pagepass/jwks.json', 'target-not-canonical', 400],
      ['/.pagepass%2Fjwks.json', 'target-not-canonical', 400],
      [`http://${service}/.pagepass/jwks.json`, 'target-not-canonical', 400],
      ['/.pagepass', 'tier-none', 403],
      ['/.pagepassage', 'tier-none', 403],
      ['/.PAGEPASS/jwks.json', 'tier-none', 403],
    ])('%s is decided on like any other', async (target, reason, status) => {
      await expectRefused(proxy, await proxy.request('ana', 'GET', target), { status, reason })
      await expectRefused(
        proxy,
        raw(target),
        status === 400 ? notCanonical : { status: 401, reason: 'token-missing' },
      )
    })
  })

  test('Health, metrics and admin are not on this port', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/debug/pprof']) {
      await expectRefused(proxy, `GET ${path} HTTP/1.1\r\nHost: ${service}\r\n\r\n`, {
        status: 401,
        reason: 'token-missing',
      })
    }
  })

  test('Targets made to keep the check busy are judged like any other', async () => {
    const room = 14_000
    const fill = (unit: string) => unit.repeat(Math.floor(room / unit.length))
    for (const target of [
      `/v1${fill('/a')}"`,
      `/v1/${fill('%20')}%`,
      `/v1${fill('/..')}`,
      `/v1${fill('//')}`,
      `/v1/${fill('%25')}%2`,
      `/v1/${fill('%2525')}`,
      `/v1/x?${fill('?')}#`,
      `/v1${fill('/.')}a#`,
    ]) {
      await expectRefused(proxy, await proxy.request('ana', 'GET', target), notCanonical)
    }
  })
})
