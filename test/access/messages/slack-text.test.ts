import { describe, expect, test } from 'vitest'
import {
  clockTime,
  code,
  cutMarkup,
  cutMarkupToBytes,
  fitting,
  plainText,
  quoted,
} from '#access/messages/slack-text.ts'
import { noon } from '../../builders.ts'

describe('What somebody else wrote', () => {
  test.each<[string, string, string]>([
    ['a mention', '<!channel>', '&lt;!channel&gt;'],
    ['an entity', '&lt;', '&amp;lt;'],
    ['letters that turn the reading direction', 'a\u202eb\u2066c\u061cd\u200fe', 'a b c d e'],
    ['half a letter', 'a\ud83db', 'a b'],
    ['line breaks', 'a\r\nb\u2028c\u0085d', 'a b c d'],
    ['a soft hyphen and a language tag', 'a\u00adb\u{e0001}c', 'a b c'],
    ['what would be bold or code', '*a* `b`', '∗a∗ ’b’'],
    ['white space around it', '  a \u200b', 'a'],
  ])('is harmless when it is %s', (_, text, shown) => {
    expect(quoted(text)).toBe(shown)
  })

  test.each<[string, string, string]>([
    ['between letters', '😀'.repeat(9), '😀😀😀😀…'],
    ['between entities, which count as they are sent', '&'.repeat(9), '&amp;…'],
    ['not at all when it just fits', 'abcdefghij', 'abcdefghij'],
    ['by one more than fits', 'abcdefghijk', 'abcdefghi…'],
  ])('is cut %s', (_, text, shown) => {
    expect(quoted(text, 10)).toBe(shown)
  })

  test('keeps its stars in code, where they mean nothing', () => {
    expect(code('GET /v1/*/`x`/**')).toBe('`GET /v1/*/’x’/**`')
  })
})

describe('A message that is cut', () => {
  test.each<[string, string, number, string]>([
    ['in an entity', 'ab&amp;cd', 6, 'ab…'],
    ['behind an entity', 'ab&amp;cd', 8, 'ab&amp;…'],
    ['in a time', `ab${clockTime(noon)}cd`, 20, 'ab…'],
    ['in a letter', 'ab😀cd', 4, 'ab…'],
    ['nowhere', 'ab', 2, 'ab'],
  ])('%s stays well formed', (_, text, longest, shown) => {
    expect(cutMarkup(text, longest)).toBe(shown)
  })

  test.each<[string, string, number, string]>([
    ['in an entity', 'ab&amp;cd', 8, 'ab…'],
    ['behind an entity', 'ab&amp;cdef', 10, 'ab&amp;…'],
    ['in a time', `ab${clockTime(noon)}cd`, 20, 'ab…'],
    ['in a time, in a letter of it', 'ab<@漢漢>cd', 9, 'ab…'],
    ['in a letter of four bytes', 'ab😀cd', 7, 'ab…'],
    ['in a letter of three bytes', 'ab漢cd', 6, 'ab…'],
    ['behind a letter', 'ab漢cdef', 8, 'ab漢…'],
    ['nowhere', 'a漢', 4, 'a漢'],
  ])('in bytes %s stays well formed', (_, text, most, shown) => {
    const cut = cutMarkupToBytes(text, most)
    expect(cut).toBe(shown)
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(most)
  })
})

describe('Lines', () => {
  const more = (left: number): string => `and ${left} more`

  test.each<[string, string[], number, number, string[]]>([
    ['all fit', ['a', 'b'], 2, 100, ['a', 'b']],
    ['there are too many', ['a', 'b', 'c'], 2, 100, ['a', 'b', 'and 1 more']],
    ['they are too long', ['aaaa', 'bbbb', 'cccc'], 9, 12, ['aaaa', 'bbbb', 'and 1 more']],
    ['they are too long in bytes', ['漢漢', '漢漢'], 9, 12, ['漢漢', 'and 1 more']],
    ['even the first is too long', ['aaaa', 'b'], 9, 1, ['aaaa', 'and 1 more']],
    ['there are none', [], 9, 1, []],
  ])('are shown as far as they fit when %s', (_, lines, most, bytes, shown) => {
    expect(fitting(lines, { most, bytes }, more)).toEqual(shown)
  })
})

describe('Plain text', () => {
  test.each<[string, string, string]>([
    ['bold', '*Ana* had *operate*', 'Ana had operate'],
    ['code', '`orders-svc`', 'orders-svc'],
    ['a pattern, which keeps its stars', '• `GET /v1/*/x/**` *2*', '• GET /v1/*/x/** 2'],
    ['a time', `until ${clockTime(noon)}.`, 'until 12:00 UTC.'],
    ['what others wrote', quoted('<!channel> & &amp; <b>'), '<!channel> & &amp; <b>'],
  ])('is made of %s', (_, text, plain) => {
    expect(plainText(text)).toBe(plain)
  })
})
