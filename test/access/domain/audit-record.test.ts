import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Admission,
  type AdmissionTerms,
  admissionTerms,
  admittedLine,
  auditLine,
  clip,
  closedLine,
} from '#access/domain/audit-record.ts'
import { noon } from '../../builders.ts'

const refused = {
  rules: 'f00d',
  kind: 'refused',
  at: noon,
  id: 'boot-1',
  reason: 'target-not-canonical',
  status: 400,
  client: '127.0.0.1',
  method: 'GET',
  host: 'orders-svc.localhost',
  path: '/',
} as const

const admission: Admission = {
  at: noon,
  id: 'boot-1',
  method: 'GET',
  path: "/v1/orders/a%20b-._~!$&'()*+,=:@",
  client: '::ffff:127.0.0.1',
  viewAge: 12,
}

const terms: AdmissionTerms = {
  who: 'http://127.0.0.1:7074 idp-ana',
  service: 'orders-svc',
  release: 'blue',
  tier: 'observe',
  pattern: 'GET /**',
  grant: 'aaaa-bbbb-cccc',
  version: 1,
  rules: 'f'.repeat(64),
}

/** What ends a line, or moves a terminal's cursor, in some program that shows logs. */
const breaksLines = /\p{Cc}|\u2028|\u2029/u

const attacks: readonly [string, string][] = [
  ['CR LF and a forged record', '/x\r\n{"v":1,"kind":"admitted","who":"eve"}'],
  ['a line feed', 'a\nb'],
  ['a line separator of Unicode', 'a\u2028b'],
  ['a paragraph separator of Unicode', 'a\u2029b'],
  ['a next-line control', 'a\u0085b'],
  ['ANSI colours', '\u001b[31mred\u001b[0m'],
  ['a C1 control sequence', '\u009b31mred'],
  ['a delete', 'a\u007fb'],
  ['quotes and backslashes', '"},{"kind":"closed"}\\'],
  ['half a surrogate pair', 'a\ud800b'],
  ['a NUL', 'a\u0000b'],
]

describe('A line of the audit', () => {
  test.each(attacks)('stays one line that parses back whatever a client sends: %s', (_, path) => {
    const line = auditLine({ ...refused, path })
    expect(line.slice(0, -1)).not.toMatch(breaksLines)
    expect(line.at(-1)).toBe('\n')
    expect(JSON.parse(line)).toEqual({ v: 1, ...refused, path })
  })

  test.each(attacks)(
    'of an admission stays one line whatever the identity provider says: %s',
    (_, subject) => {
      const line = admittedLine(admission, admissionTerms({ ...terms, who: subject }))
      expect(line.slice(0, -1)).not.toMatch(breaksLines)
      expect(JSON.parse(line)).toEqual({ v: 1, kind: 'admitted', ...admission, ...terms, who: subject })
    },
  )

  test('of any text at all is one line that parses back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = auditLine({ ...refused, host: text })
        expect(line.slice(0, -1)).not.toMatch(breaksLines)
        expect(JSON.parse(line).host).toBe(text)
      }),
    )
  })

  test('of an admission holds every field, by the name it has in the type', () => {
    expect(JSON.parse(admittedLine(admission, admissionTerms(terms)))).toEqual({
      v: 1,
      kind: 'admitted',
      ...admission,
      ...terms,
    })
  })

  test('of a close holds how it went', () => {
    const closed = { rules: 'f00d', at: noon, id: 'boot-1', outcome: 'done', status: 200, bytes: 17, ms: 3 }
    expect(JSON.parse(closedLine(closed))).toEqual({ v: 1, kind: 'closed', ...closed })
  })

  test('of what goes on names the exchange, and the grant and version that it goes on under', () => {
    const continued = {
      rules: 'f00d',
      kind: 'continued',
      at: noon,
      id: 'boot-1',
      grant: 'aaaa-bbbb-cccc',
      version: 2,
    } as const
    expect(JSON.parse(auditLine(continued))).toEqual({ v: 1, ...continued })
  })

  test('keeps what a client chose to a size, and says how long it was', () => {
    expect(clip('x'.repeat(2_048))).toBe('x'.repeat(2_048))
    expect(clip('x'.repeat(2_049))).toBe(`${'x'.repeat(2_048)}… (2049 characters)`)
  })
})
