import { describe, expect, test } from 'vitest'
import { canonicalPath, forwardedMethods } from '#access/domain/target.ts'

describe('A target', () => {
  test.each([
    ['/', '/'],
    ['/v1/orders/7', '/v1/orders/7'],
    ['/v1/orders/', '/v1/orders/'],
    ["/-._~!$&'()*+,=:@", "/-._~!$&'()*+,=:@"],
    ['/%C3%A9t%C3%A9', '/%C3%A9t%C3%A9'],
    ['/a%20b', '/a%20b'],
    ['/50%25', '/50%25'],
    ['/.well-known/...', '/.well-known/...'],
    ['/a..b/.c', '/a..b/.c'],
    ['/a?', '/a'],
    ['/a?b=%2e%2E/../;&c[]={"d":1}|~!$', '/a'],
    ['/a?b?c', '/a'],
  ])('is read in one way, and its query decides nothing: %s', (target, path) => {
    expect(canonicalPath(target)).toBe(path)
  })

  test.each([
    ['nothing', ''],
    ['no path', '?a'],
    ['no slash', 'v1'],
    ['an address', 'http://orders/'],
    ['the whole server', '*'],
    ['an empty segment', '/a//b'],
    ['two slashes at first', '//a'],
    ['two slashes at last', '/a//'],
    ['one dot', '/a/./b'],
    ['one dot at last', '/a/.'],
    ['two dots', '/a/../b'],
    ['two dots at last', '/a/..'],
    ['dots at first', '/../a'],
    ['a path parameter', '/a;b'],
    ['a backslash', '/a\\b'],
    ['a fragment', '/a#b'],
    ['a fragment in the query', '/a?b#c'],
    ['a space', '/a b'],
    ['a space in the query', '/a?b c'],
    ['a new line at last', '/a\n'],
    ['a line before', '\n/a'],
    ['what is not ASCII', '/été'],
    ['what is not ASCII in the query', '/a?é'],
    ['a control in the query', '/a?\u007f'],
    ['half an escape', '/a%2'],
    ['an escape that is none', '/a%GG'],
    ['an escape of one digit', '/a%2/b'],
    ['an escape in small letters', '/a%c3%a9'],
    ['a quote', '/a"b'],
    ['brackets', '/a[b]'],
  ])('is none with %s', (_, target) => {
    expect(canonicalPath(target)).toBeUndefined()
  })

  /* Each escape by itself: what careless decoders take for a letter, a separator, a control or a dot. */
  test('is none with an escape that deceives, of all the 256', () => {
    const deceiving = (byte: number): boolean => {
      const letter = String.fromCharCode(byte)
      if (byte < 0x20 || byte === 0x7f) return true
      if (/[A-Za-z0-9\-._~]/.test(letter) || '/;\\'.includes(letter)) return true
      // Overlong, or beyond what Unicode has.
      return byte === 0xc0 || byte === 0xc1 || byte >= 0xf5
    }
    for (let byte = 0; byte < 256; byte += 1) {
      const target = `/a%${byte.toString(16).toUpperCase().padStart(2, '0')}b`
      expect([target, canonicalPath(target)]).toEqual([target, deceiving(byte) ? undefined : target])
    }
  })

  test.each([
    ['escaped twice', '/%252E%252E', undefined],
    ['escaped twice in small letters', '/%252e', undefined],
    ['escaped twice to a letter', '/%25aF', undefined],
    ['a share', '/50%25G0', '/50%25G0'],
    ['a share before a dot', '/5%25.2', '/5%25.2'],
    ['an overlong dot of three bytes', '/%E0%80%AE', undefined],
    ['an overlong one beside it', '/%E0%9F%BF', undefined],
    ['the first of three bytes', '/%E0%A0%80', '/%E0%A0%80'],
    ['an overlong dot of four bytes', '/%F0%80%80%AE', undefined],
    ['the first of four bytes', '/%F0%90%80%80', '/%F0%90%80%80'],
  ])('is read or not: %s', (_, target, path) => {
    expect(canonicalPath(target)).toBe(path)
  })

  test('comes with one of the methods that are forwarded', () => {
    expect(['GET', 'HEAD', 'DELETE', 'OPTIONS'].every((method) => forwardedMethods.has(method))).toBe(true)
    expect(['CONNECT', 'TRACE', 'get', ''].some((method) => forwardedMethods.has(method))).toBe(false)
  })
})
