import { describe, expect, test } from 'vitest'
import { type Asked, mayAsk, originOf } from '#proxy/session/own-page.ts'

const own = 'https://orders-svc.access.test'
const nothing: Asked = {
  method: 'GET',
  site: undefined,
  mode: undefined,
  dest: undefined,
  user: undefined,
  purpose: undefined,
  origin: undefined,
}
const link = { site: 'cross-site', mode: 'navigate', dest: 'document', user: '?1' }

const may = (asked: Partial<Asked>): boolean => mayAsk({ ...nothing, ...asked }, own)

describe('What may be asked in a session:', () => {
  test.each<[string, Partial<Asked>]>([
    ['a fetch of the own page', { site: 'same-origin', mode: 'cors', dest: 'empty' }],
    ['a fetch ahead of the own page', { ...link, site: 'same-origin', purpose: 'prefetch' }],
    ['its image', { site: 'same-origin', mode: 'no-cors', dest: 'image' }],
    ['its frame', { site: 'same-origin', mode: 'navigate', dest: 'iframe' }],
    [
      'its form',
      { method: 'POST', site: 'same-origin', mode: 'navigate', dest: 'document', user: '?1', origin: own },
    ],
    [
      'a form of a page that hides its address',
      { method: 'POST', site: 'same-origin', mode: 'navigate', dest: 'document', origin: 'null' },
    ],
    [
      'any method of the own page',
      { method: 'DELETE', site: 'same-origin', mode: 'cors', dest: 'empty', origin: own },
    ],
    ['a link from another site', link],
    ['a link from a sibling', { ...link, site: 'same-site' }],
    ['an address typed by hand', { ...link, site: 'none' }],
    ['a redirect or script that opens the page', { ...link, user: undefined }],
    ['a request of an old browser from the own page', { method: 'POST', origin: own }],
    ['a WebSocket of the own page', { method: 'WS', origin: own }],
    [
      'a WebSocket of the own page, of which the browser says cross-site for the scheme wss',
      { method: 'WS', origin: own, site: 'cross-site', mode: 'websocket', dest: 'empty' },
    ],
  ])('%s', (_, asked) => {
    expect(may(asked)).toBe(true)
  })
})

describe('What may not be:', () => {
  test.each<[string, Partial<Asked>]>([
    ['nothing said at all, of a method that is safe', {}],
    ['nothing said at all, of one that is not', { method: 'POST' }],
    ['another origin', { method: 'POST', origin: 'https://evil.example' }],
    ['a sibling’s origin', { method: 'POST', origin: 'https://payments-svc.access.test' }],
    ['another scheme', { method: 'POST', origin: 'http://orders-svc.access.test' }],
    ['another port', { method: 'POST', origin: 'https://orders-svc.access.test:8443' }],
    ['no origin', { method: 'POST', origin: 'null' }],
    ['an origin that begins with ours', { method: 'POST', origin: `${own}.evil.example` }],
    ['an origin with a path', { method: 'POST', origin: `${own}/` }],
    [
      'an origin with somebody’s name',
      { method: 'POST', origin: 'https://orders-svc.access.test@evil.example' },
    ],
    ['an origin in capitals', { method: 'POST', origin: 'https://Orders-Svc.access.test' }],
    ['an empty origin', { method: 'POST', origin: '' }],
    ['two origins in one', { method: 'POST', origin: `${own} https://evil.example` }],
    [
      'our origin where the browser says another site',
      { method: 'POST', site: 'cross-site', mode: 'cors', dest: 'empty', origin: own },
    ],
    [
      'the own site where the browser names another origin',
      { method: 'POST', site: 'same-origin', mode: 'cors', dest: 'empty', origin: 'https://evil.example' },
    ],
    ['a form of another site', { ...link, method: 'POST' }],
    ['a form of a sibling', { ...link, method: 'POST', site: 'same-site' }],
    ['a form that nobody’s page sent', { ...link, method: 'POST', site: 'none' }],
    ['a link asked for with HEAD, which no browser does', { ...link, method: 'HEAD' }],
    ['a WS in the words of a link', { ...link, method: 'WS' }],
    ['an image of another site', { site: 'cross-site', mode: 'no-cors', dest: 'image' }],
    ['a script of a sibling', { site: 'same-site', mode: 'no-cors', dest: 'script' }],
    [
      'a fetch of a sibling',
      { site: 'same-site', mode: 'cors', dest: 'empty', origin: 'https://payments-svc.access.test' },
    ],
    ['a fetch of an extension', { site: 'none', mode: 'cors', dest: 'empty' }],
    ['a frame within another site', { ...link, dest: 'iframe' }],
    ['an old kind of frame', { ...link, dest: 'frame' }],
    ['an object', { ...link, dest: 'object' }],
    ['an embed', { ...link, dest: 'embed' }],
    ['a fenced frame', { ...link, dest: 'fencedframe' }],
    ['a link that is only fetched ahead', { ...link, purpose: 'prefetch' }],
    ['a link that is only rendered ahead', { ...link, site: 'same-site', purpose: 'prefetch;prerender' }],
    ['a prefetch that is no opening', { ...link, mode: 'no-cors', dest: 'empty' }],
    ['an opening of which it is not said where to', { ...link, dest: undefined }],
    ['a document that is not opened', { ...link, mode: undefined }],
    ['a site in other letters', { ...link, site: 'Same-Origin' }],
    ['a site with a parameter', { site: 'same-origin;x', mode: 'cors', dest: 'empty' }],
    ['two sites in one', { site: 'same-origin, cross-site', mode: 'cors', dest: 'empty' }],
    ['a site that there is not', { ...link, site: 'own-site' }],
    ['an empty site', { ...link, site: '' }],
    ['an empty site with our origin', { method: 'POST', site: '', origin: own }],
    ['two modes in one', { site: 'same-origin', mode: 'navigate, cors', dest: 'document' }],
    ['a dest in capitals', { site: 'same-origin', mode: 'navigate', dest: 'Document' }],
    ['an unclear user', { ...link, user: '?0' }],
    ['a user that is a word', { site: 'same-origin', user: 'true' }],
    [
      'a WebSocket that names no origin',
      { method: 'WS', site: 'same-origin', mode: 'websocket', dest: 'empty' },
    ],
    ['a WebSocket of a sibling', { method: 'WS', origin: 'https://payments-svc.access.test' }],
    ['a WebSocket of a page that hides its address', { method: 'WS', site: 'same-origin', origin: 'null' }],
    ['a WebSocket by its own scheme', { method: 'WS', origin: 'wss://orders-svc.access.test' }],
    ['a WebSocket with an unclear site', { method: 'WS', origin: own, site: 'x' }],
  ])('%s', (_, asked) => {
    expect(may(asked)).toBe(false)
  })
})

test('Of everything that a browser can say, nothing but the own page and a link is let through', () => {
  const all = <T>(...values: T[]): T[] => values
  let allowed = 0
  let count = 0
  for (const method of all('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'WS'))
    for (const site of all(undefined, 'same-origin', 'same-site', 'cross-site', 'none'))
      for (const mode of all(undefined, 'navigate', 'cors', 'no-cors', 'same-origin', 'websocket'))
        for (const dest of all(
          undefined,
          'document',
          'iframe',
          'frame',
          'embed',
          'object',
          'image',
          'empty',
          'worker',
        ))
          for (const user of all(undefined, '?1'))
            for (const origin of all(
              undefined,
              own,
              'null',
              'https://evil.example',
              'https://payments-svc.access.test',
            )) {
              count += 1
              if (!may({ method, site, mode, dest, user, origin })) continue
              allowed += 1
              const isOwn = origin === own || site === 'same-origin'
              const isLink =
                method === 'GET' && mode === 'navigate' && dest === 'document' && site !== undefined
              expect(isOwn || isLink).toBe(true)
              // Where it is said to be from elsewhere, nothing else that is said makes up for it.
              if (!isLink && method !== 'WS') expect([undefined, 'same-origin']).toContain(site)
              if (site !== undefined && !isLink) expect([undefined, 'null', own]).toContain(origin)
            }
  expect(count).toBe(18_900)
  expect(allowed).toBeGreaterThan(1_000)
})

test.each([
  ['https', 'orders-svc.access.test', 'https://orders-svc.access.test'],
  ['https', 'Orders-SVC.access.test:443', 'https://orders-svc.access.test'],
  ['https', 'orders-svc.access.test:80', 'https://orders-svc.access.test:80'],
  ['https', 'orders-svc.access.test:8443', 'https://orders-svc.access.test:8443'],
  ['http', 'orders-svc.access.test:80', 'http://orders-svc.access.test'],
  ['http', 'orders-svc.access.test:443', 'http://orders-svc.access.test:443'],
  ['http', 'orders-svc.access.test:8080', 'http://orders-svc.access.test:8080'],
] as const)('The origin of %s and %s is %s', (scheme, host, origin) => {
  expect(originOf(scheme, host)).toBe(origin)
})
